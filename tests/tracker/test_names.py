"""Names of any length and look arrive, each of its own; what W&B does not take is refused."""

import json

import pytest

from rnnbench.report import write_report
from rnnbench.sync import main
from rnnbench.tracker.mirror import open_tracker
from rnnbench.tracker.names import LONGEST, fitted, safe
from rnnbench.tracker.summary import by_gap_table, log_summary
from tests.stored_record import stored_record

from ..wandb_reader import offline_runs

SETTINGS = {"kind": "wandb", "mode": "offline", "project": "p", "entity": None}
NAMES = [
    ("NA", "null", "2024"),
    pytest.param("1e5", "2024", "nan", marks=pytest.mark.long),
    ("😀" * 200, "a/b\\c:#?%", "ö" * 200),
]


@pytest.mark.parametrize(("task", "cell", "sweep"), NAMES)
def test_runs_and_summaries_take_any_name(task, cell, sweep, tmp_path):
    row = {"step": 6, "loss": 2.5, "accuracy": 0.5, "score": 0.2, "grad_norm": 1.0}
    record = stored_record(task=task, cell=cell, sweep=sweep, history=[row])
    (tmp_path / "records.jsonl").write_text(f"{json.dumps(record)}\n")
    mirror = open_tracker({**SETTINGS, "tags": ["mine"], "notes": "why"}, tmp_path, sweep)
    mirror.start(record)
    mirror.log(record["run_id"], row)
    mirror.finish(record)
    mirror.close()
    assert log_summary(sweep, SETTINGS, tmp_path, write_report([tmp_path]))
    kinds = {run["run"]["job_type"]: run for run in offline_runs(tmp_path)}
    summary, run = kinds.pop("summary"), kinds.popitem()[1]
    shown = fitted(f"{cell} {task} gap 6 seed 0 lr 0.001")
    assert run["run"]["display_name"] == shown
    assert run["run"]["run_group"] == summary["run"]["run_group"] == fitted(sweep)
    assert run["run"]["tags"] == [fitted(task, 64), fitted(cell, 64), "gap 6", "mine"]
    assert run["run"]["notes"] == "why"
    assert (run["config"]["task"], run["config"]["cell"]) == (task, cell)
    assert (run["summary"]["accuracy"], run["summary"]["test_accuracy"]) == (0.5, 0.25)
    tables = {}
    for file in (tmp_path / "wandb").rglob("*.table.json"):
        content = json.loads(file.read_text())
        (values,) = (dict(zip(content["columns"], line, strict=True)) for line in content["data"])
        tables[file.name.split("_0_")[0]] = values["task"], values["cell"]
    assert tables == dict.fromkeys(("results", "horizons", by_gap_table(task)), (task, cell))


def test_a_name_that_is_cut_or_changed_is_told_from_others():
    one, other = "a" * 100 + "x" + "b" * 100, "a" * 100 + "y" + "b" * 100
    assert fitted("a" * LONGEST) == "a" * LONGEST
    assert len(fitted(one)) <= LONGEST
    assert fitted(one) != fitted(other)
    assert safe("gaps-2_a") == "gaps-2_a"
    assert len({safe(name) for name in ("ä", "ö", "_", one, other)}) == 5


def test_runs_are_in_the_group_that_was_asked_for(tmp_path):
    mirror = open_tracker({**SETTINGS, "group": "mine"}, tmp_path, "gaps")
    mirror.start(stored_record())
    mirror.close()
    (run,) = offline_runs(tmp_path)
    assert run["run"]["run_group"] == "mine"
    assert run["config"]["sweep"] == "trial"


@pytest.mark.parametrize("option", ["--project=a/b", "--entity=a:b", "--project="])
def test_a_command_refuses_what_wandb_does_not_take(option, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("rnnbench.tracker.reach.find_problem", lambda: None)
    assert main([str(tmp_path), option]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "must be 1 to 128 printable characters, none of" in line
