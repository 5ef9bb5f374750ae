"""Runs of an own cell or task from before it was edited stop a sweep, or are trained again."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import closing, worker
from rnnbench.launcher.plan_file import read_plan
from rnnbench.report.sections.provenance import mixed_codes
from rnnbench.report.study import read_study
from rnnbench.report.text import to_markdown
from rnnbench.report.write import compose as compose_report
from rnnbench.status import main as status
from rnnbench.store.frames import load_results
from rnnbench.store.records import Store
from rnnbench.store.tables import TRANSFER, load_transfer
from rnnbench.verify.__main__ import main as verify
from tests.in_process import launch_in_process
from tests.launcher.own_sweeps import files
from tests.stored_numbers import numbers
from tests.training.stop_at import StopAt

ROOT = Path(__file__).resolve().parents[2]
CELL = """
import torch
from rnnbench import Cell


class Mine(Cell):
    gates = {"f": "xh", "g": "xh"}
    keep_gate = "f"

    def update(self, f, g, h):
        return torch.sigmoid(f) * h + torch.tanh(g)
"""
EDITED = CELL.replace("sigmoid(f) * h +", "sigmoid(f) * h -")
RAISED = EDITED.replace('    keep_gate = "f"', '    keep_gate = "f"\n    version = 2')
TASK = """
from rnnbench.tasks.delayed_recall import DelayedRecall


class Guess(DelayedRecall):
    def sample(self, batch_size, generator):
        batch = super().sample(batch_size, generator)
        return batch._replace(inputs=batch.inputs / 2)
"""
SMALL = "task.gap=5 seeds=2 model.hidden_size=4 trainer.steps=6 trainer.eval_every=3 workers=1 "
SMALL += "trainer.eval_size=8 trainer.batch_size=4 tracker=none engine=reference name=own "
SMALL += "--config-dir=myconf task=guess cell=mine"
LINE = "rnnbench: error: cell own_cell.Mine: edited since the training of 2 stored runs of "
LINE += "results/own (guess gap 5 mine): raise the version, or have retrain=true train them again "
LINE += "in their place\n"
OUT = Path("results/own")


@pytest.fixture(autouse=True)
def configuration(in_tmp, own, monkeypatch):
    """Write the cell and the task with their yamls; leave the reports out, which take longest."""
    for part, target, more in (("cell", "own_cell.Mine", ""), ("task", "own_task.Guess", "gap: 5")):
        name = target.rpartition(".")[2].lower()
        path = Path("myconf", part, f"{name}.yaml")
        path.parent.mkdir(parents=True)
        path.write_text(f"_target_: {target}\nname: {name}\n{more}\n")
    own.write(own_cell=CELL, own_task=TASK)
    monkeypatch.setattr(closing, "draw", lambda remaining, tracker: None)


def run(*words):
    """Run a sweep in this process; return its exit code."""
    return max(map(launch_in_process, make_sweeps(compose([*SMALL.split(), *words]))))


def counts(said):
    """Return how many runs are done, skipped and failed by a closing table."""
    (row,) = (line for line in said.splitlines() if line.startswith("all "))
    return [int(number) for number in row.split()[1:]]


@pytest.fixture
def trained(capfd):
    """Train the sweep of the cell as it was first; return its numbers."""
    assert run() == 0
    capfd.readouterr()
    return numbers(OUT)


def test_a_record_tells_the_hashes_of_own_classes_alone(trained):
    assert run("cell=gru", "name=gru") == 0
    codes = [{*record["code"]} for record in Store(OUT).runs().values()]
    codes += [{*record["code"]} for record in Store("results/gru").runs().values()]
    assert codes == [{"cell", "task"}] * 2 + [{"task"}] * 2
    assert run("task=recall", "cell=gru", "name=shipped") == 0
    assert all("code" not in record for record in Store("results/shipped").runs().values())


@pytest.mark.parametrize("words", [[], ["dry_run=true"], ["seeds=3"], ["seeds=[7]"]])
def test_an_edited_cell_stops_in_one_line_and_nothing_is_touched(own, trained, capfd, words):
    before = files(OUT)
    own.write(own_cell=EDITED)
    assert run(*words) == 2
    assert capfd.readouterr() == ("", LINE)
    assert files(OUT) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('keep_gate = "f"', 'keep_gate = "f"\n    input_gate = "g"'),
        ("def update(self, f, g, h):", "def update(self, f, g, h, p=0):\n        f = f + 1"),
        ('    keep_gate = "f"', '    keep_gate = "f"\n    vectors = ("p",)'),
        (
            "    def update(",
            "    def initialize(self, parameters, generator, *, gap):\n"
            "        super().initialize(parameters, generator, gap=2 * gap)\n\n    def update(",
        ),
    ],
)
def test_so_does_a_changed_declaration_vector_or_start(own, trained, capfd, old, new):
    text = CELL.replace("(self, f, g, h)", "(self, f, g, h, p=0)") if "vectors" in new else CELL
    own.write(own_cell=text.replace(old, new))
    assert run() == 2
    assert capfd.readouterr() == ("", LINE)


def test_so_does_an_edited_task(own, trained, capfd):
    own.write(own_task=TASK.replace("/ 2", "/ 3"))
    assert run() == 2
    line = LINE.replace("cell own_cell.Mine", "task own_task.Guess")
    assert capfd.readouterr() == ("", line)
    own.write(own_cell=EDITED)
    assert run() == 2
    both = LINE.replace("cell own_cell.Mine", "cell own_cell.Mine, task own_task.Guess")
    assert capfd.readouterr().err == both


def test_comments_docstrings_and_formatting_stop_nobody(own, trained, capfd):
    cell = CELL.replace("class Mine(Cell):", 'class Mine(Cell):\n    """A cell."""\n')
    task = TASK.replace("    def sample", '    """A task."""\n\n    def sample')
    task = task.replace("batch_size, generator", "batch_size,  generator")
    own.write(own_cell=f"# mine\n{cell}", own_task=f"# mine\n{task}")
    assert run() == 0
    assert counts(capfd.readouterr().out) == [0, 2, 0]
    assert numbers(OUT) == trained


def test_a_record_without_a_hash_is_no_reason_to_stop(own, trained, capfd):
    store = Store(OUT)
    for record in store.runs().values():
        del record["code"]
        store.write(record)
    own.write(own_cell=EDITED)
    assert run() == 0
    assert counts(capfd.readouterr().out) == [0, 2, 0]


def test_a_raised_version_goes_on_beside_the_old_runs(own, trained, capfd):
    own.write(own_cell=RAISED)
    assert run() == 0
    assert trained.items() < numbers(OUT).items()
    assert sorted(load_results(OUT)["cell_version"]) == [1, 1, 2, 2]
    assert mixed_codes(read_study([OUT]).results) == []
    status([str(OUT)])
    assert "different codes" not in capfd.readouterr().out


def test_retrain_says_what_it_replaces_and_trains_that_again(own, trained, capfd):
    own.write(own_cell=EDITED)
    fresh = run("output_dir=fresh")
    assert fresh == 0
    capfd.readouterr()
    assert run("retrain=true") == 0
    said, told = capfd.readouterr()
    line = "rnnbench: retrain replaces 2 stored runs of results/own (guess gap 5 mine), from before"
    assert f"{line} an edit of cell own_cell.Mine, and removes what was measured of them\n" in told
    assert counts(said) == [2, 0, 0]
    assert numbers(OUT) == numbers(Path("fresh")) != trained
    assert trained.keys() == numbers(OUT).keys()

    before = files(OUT / "runs")
    for words in ([], ["retrain=true"]):
        assert run(*words) == 0
        said, told = capfd.readouterr()
        assert counts(said) == [0, 2, 0] and "replaces" not in told
    assert files(OUT / "runs") == before


def test_what_was_measured_of_replaced_runs_is_removed(own, trained):
    run_id, other = min(trained), "f" * 16
    kept = [OUT / "diagnosis" / f"{name}.json" for name in (run_id, other)]
    kept[0].parent.mkdir()
    for path in kept:
        path.write_text("{}")
    row = dict.fromkeys(("gap", "test_gap", "seed"), 5) | dict.fromkeys(("lr", "loss"), 0.5)
    row |= dict.fromkeys(("accuracy", "score", "chance_accuracy"), 0.5)
    row |= dict.fromkeys(("condition_id", "task", "cell", "engine", "device"), "x")
    TRANSFER.add(OUT, [{**row, "run_id": run_id}, {**row, "run_id": other}])
    own.write(own_cell=EDITED)
    assert run("retrain=true") == 0
    assert [path.exists() for path in kept] == [False, True]
    assert load_transfer(OUT)["run_id"].tolist() == [other]


def test_retrain_stopped_half_way_loses_nothing_and_goes_on(own, trained, capfd):
    """One run is trained again and the other is in training when it stops."""
    own.write(own_cell=EDITED)
    assert run("output_dir=fresh") == 0
    (sweep,) = make_sweeps(compose([*SMALL.split(), "retrain=true"]))
    condition, replicas = sweep.jobs[0]
    first = Job(condition, replicas[:1], OUT, "reference", "cpu", "own", retrain=True)
    work = replace(first, command=sweep.command)
    worker.run_job(work, lambda news: None, threading.Event())
    both = replace(work, replicas=replicas)
    assert worker.run_job(both, lambda news: None, StopAt(3)).stopped
    now = numbers(OUT)
    ids = [condition.run_id(replica) for replica in replicas]
    assert now[ids[0]] == numbers(Path("fresh"))[ids[0]]
    assert now[ids[1]] == trained[ids[1]]
    capfd.readouterr()

    assert run() == 2
    assert "the training of 1 stored run of results/own (" in capfd.readouterr().err
    assert run("retrain=true") == 0
    said, told = capfd.readouterr()
    assert "retrain replaces 1 stored run of" in told and "passed over" not in told
    assert counts(said) == [1, 1, 0]
    assert numbers(OUT) == numbers(Path("fresh"))


def test_retrain_that_fails_keeps_what_was_there(own, trained, capfd):
    own.write(own_cell=CELL.replace("return", "raise ValueError('no')\n        return"))
    assert run("retrain=true") == 1
    said = capfd.readouterr().out
    assert counts(said) == [0, 0, 2] and "ValueError: no" in said
    assert numbers(OUT) == trained


def test_where_tuning_fails_no_rate_is_chosen_from_runs_of_other_code(own, capfd):
    assert run("trainer.lr=auto", "seeds=1") == 0
    before, tuned = numbers(OUT), numbers(OUT / "tuning")
    own.write(own_cell=CELL.replace("return", "raise ValueError('no')\n        return"))
    capfd.readouterr()
    assert run("trainer.lr=auto", "seeds=1", "retrain=true") == 1
    assert "conditions to train" not in capfd.readouterr().err
    assert (numbers(OUT), numbers(OUT / "tuning")) == (before, tuned)


def test_retrain_must_ask_for_every_run_of_a_condition(own, trained, capfd):
    own.write(own_cell=EDITED)
    assert run("retrain=true", "seeds=1") == 2
    assert capfd.readouterr().err == (
        "rnnbench: error: retrain=true must ask for all runs of cell own_cell.Mine in its "
        "conditions, or they would be of two codes; it leaves out 1 stored run of results/own "
        "(guess gap 5 mine)\n"
    )
    assert numbers(OUT) == trained


@pytest.mark.long
def test_tuning_is_done_again_too(own, capfd):
    words = ["trainer.lr=auto", "seeds=1"]
    assert run(*words) == 0
    old = numbers(OUT / "tuning")
    capfd.readouterr()
    own.write(own_cell=EDITED)
    assert run(*words) == 2
    assert "1 stored run of results/own (guess gap 5 mine)" in capfd.readouterr().err
    assert run(*words, "output_dir=fresh") == 0
    # The rate that was chosen before may be another one: then its run is replaced all the same.
    store = Store(OUT)
    (record,) = store.runs().values()
    (sweep,) = make_sweeps(compose([*SMALL.split(), *words]))
    moved = sweep.jobs[0][0].run_id(Replica(0, 0.5))
    store.remove(record["run_id"])
    store.write({**record, "lr": 0.5, "run_id": moved})
    assert run(*words, "retrain=true") == 0
    assert numbers(OUT / "tuning") == numbers(Path("fresh/tuning")) != old
    assert numbers(OUT) == numbers(Path("fresh"))
    assert run(*words) == 0


def test_a_checkpoint_of_other_code_is_not_gone_on_from(own, capfd):
    (sweep,) = make_sweeps(compose(SMALL.split()))
    condition, replicas = sweep.jobs[0]
    job = Job(condition, replicas, OUT, "reference", "cpu", "own", sweep.command)
    assert worker.run_job(job, lambda news: None, StopAt(3)).stopped
    own.write(own_cell=EDITED)
    assert run() == 0
    told = capfd.readouterr().err
    assert f"{condition.condition_id}.safetensors is passed over: its cell code is '" in told
    assert run("output_dir=fresh") == 0
    assert numbers(OUT) == numbers(Path("fresh"))


@pytest.mark.long
def test_runs_of_several_codes_are_named(own, trained, capfd):
    """Nobody stops them at another gap, of which nothing is stored."""
    own.write(own_cell=EDITED)
    assert run("task.gap=7") == 0
    capfd.readouterr()
    assert status([str(OUT)]) == 0
    assert "own_cell.Mine: runs of 2 different codes\n" in capfd.readouterr().out
    assert mixed_codes(read_study([OUT]).results) == ["mine: runs of 2 different codes"]
    assert "mine: runs of 2 different codes" in to_markdown(compose_report(read_study([OUT])))
    assert verify([str(OUT)]) == 0
    assert "2 runs are not comparable: the cell was edited\n" in capfd.readouterr().err


def test_a_dry_run_with_retrain_says_so_and_its_plan_carries_it(own, trained, capfd):
    before = files(OUT)
    own.write(own_cell=EDITED)
    assert run("retrain=true", "dry_run=true", "plan=own.json") == 0
    assert "retrain replaces 2 stored runs" in capfd.readouterr().err
    assert files(OUT) == before
    assert read_plan(Path("own.json"), OUT, 1).retrain


@pytest.mark.long
def test_commands_as_they_are_typed(own, trained):
    """Also where worker processes train."""
    path = os.pathsep.join([str(own.directory), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def command(*words):
        line = [sys.executable, "-m", "rnnbench", *SMALL.split(), *words]
        return subprocess.run(line, env=environment, capture_output=True, text=True)

    own.write(own_cell=EDITED)
    stopped = command()
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (2, "", LINE)
    assert command("retrain=true").returncode == 0
    assert run("output_dir=fresh") == 0
    assert numbers(OUT) == numbers(Path("fresh")) != trained
