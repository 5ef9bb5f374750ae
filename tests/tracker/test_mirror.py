"""W&B as a mirror: the real client, offline, read back with its own tool; and when it fails."""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnnbench.report import write_report
from rnnbench.tracker import run as tracker_run
from rnnbench.tracker.client import Outage
from rnnbench.tracker.mirror import WandbTracker, mark_sent, open_tracker
from rnnbench.tracker.reach import prepare, read_destination
from rnnbench.tracker.summary import log_summary, mirror_summary, summary_id

from ..wandb_reader import offline_runs

SETTINGS = {"kind": "wandb", "mode": "offline", "project": "rnnbench", "entity": None}


def record(seed):
    return {
        **{"run_id": f"{seed:016d}", "task": "copy", "cell": "gru", "gap": 20, "seed": seed},
        **{
            "condition_id": "c0ffee0123456789",
            "error": None,
            "lr": 3e-3,
            "engine": "reference",
            "chance_loss": 2.08,
            "load_bits": float("nan"),
        },
        "config": {"task": {"name": "copy", "gap": 20, "score_on": "answers"}, "engine": "auto"},
        "environment": {"torch": "2"},
        "plateaus": {},
    }


def rows(seed):
    return [
        {"step": s, "loss": 2.0 / s, "accuracy": 0.1 * seed, "score": 0.0, "grad_norm": 0.5}
        for s in (5, 10, 12)
    ]


def by_name(output_dir):
    return {run["run"]["display_name"]: run for run in offline_runs(output_dir)}


@pytest.fixture
def mirrored(tmp_path):
    """Three runs open at once, one of which never finishes."""
    mirror = open_tracker(SETTINGS, tmp_path, "gaps")
    for seed in range(3):
        mirror.start(record(seed))
    for row in range(3):
        for seed in range(3):
            mirror.log(record(seed)["run_id"], rows(seed)[row])
    for seed in (1, 0):
        mirror.finish({**record(seed), "status": "unsolved", "loss": 0.25, "score": float("nan")})
    mirror.close()
    return by_name(tmp_path)


def test_every_run_arrives_whole(mirrored):
    assert sorted(mirrored) == [f"gru copy gap 20 seed {seed} lr 0.003" for seed in range(3)]
    for seed in range(3):
        run = mirrored[f"gru copy gap 20 seed {seed} lr 0.003"]
        assert (run["run"]["run_group"], run["run"]["job_type"]) == ("gaps", "copy")
        assert run["run"]["project"] == "rnnbench"
        assert run["run"]["tags"] == ["copy", "gru", "gap 20"]
        assert run["config"]["task"] == {"name": "copy", "gap": 20, "score_on": "answers"}
        assert (run["config"]["seed"], run["config"]["lr"]) == (seed, 3e-3)
        assert run["config"]["environment"] == {"torch": "2"}
        assert run["config"]["condition"] == "copy gap 20 gru (c0ffee)"
        assert re.fullmatch("gru copy \\([0-9a-f]{6}\\)", run["config"]["curve"])
        for got, sent in zip(run["history"], rows(seed), strict=True):
            assert {key: got[key] for key in sent} == sent
    finished = mirrored["gru copy gap 20 seed 0 lr 0.003"]
    assert finished["summary"]["test_loss"] == 0.25
    last = rows(0)[-1]
    assert {key: finished["summary"][key] for key in last} == last  # of the evaluations
    assert finished["summary"]["status"] == "unsolved"
    assert finished["summary"]["engine"] == "reference"
    assert not {"error", "load_bits", "environment"} & set(finished["summary"])
    assert finished["exit"] == 0
    assert mirrored["gru copy gap 20 seed 2 lr 0.003"]["exit"] == 1


def test_the_id_of_a_run_is_fixed_within_its_sweep(tmp_path):
    ids = []
    for place, sweep in (("a", "gaps"), ("b", "gaps"), ("c", "other")):
        mirror = WandbTracker(SETTINGS, tmp_path / place, sweep)
        mirror.start(record(0))
        mirror.close()
        (run,) = offline_runs(tmp_path / place)
        ids.append(run["run"]["run_id"])
    assert ids[0] == ids[1] != ids[2]


@pytest.fixture
def attempts(monkeypatch):
    """Which runs were opened, in a process that knows of no outage."""
    monkeypatch.setattr(Outage, "everywhere", False)
    opened = []
    original = tracker_run.open_run
    monkeypatch.setattr(
        tracker_run, "open_run", lambda *a, **k: opened.append(k["id"]) or original(*a, **k)
    )
    return opened


def one_run(output_dir, seed=0):
    """Mirror a run as a worker does: one tracker a job."""
    own = WandbTracker(SETTINGS, output_dir, "gaps")
    own.start(record(seed))
    own.log(record(seed)["run_id"], rows(seed)[0])
    own.finish({**record(seed), "status": "unsolved"})
    own.close()
    return own


def test_an_error_of_the_client_is_one_warning_and_no_more(tmp_path, capsys, attempts):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for seed in range(2):
        one_run(blocked, seed)
    assert len(attempts) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "W&B is left out from here on" in line
    assert f"python -m rnnbench.sync {blocked}" in line


def test_of_several_threads_exactly_one_tells_of_an_outage(tmp_path, capsys, attempts):
    interval, rounds = sys.getswitchinterval(), 200
    sys.setswitchinterval(1e-6)
    try:
        for number in range(rounds):
            Outage.everywhere = False
            outage = Outage(tmp_path / f"{number}")
            threads = [threading.Thread(target=outage.begin, args=("why",)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert capsys.readouterr().err.count("W&B is left out from here on") == rounds


def test_an_outage_is_known_to_all_processes_until_the_next_start(tmp_path, capsys, attempts):
    Outage(tmp_path).begin("the first process says why")
    Outage.everywhere = False  # another process
    Outage(tmp_path).begin("the second keeps quiet")
    Outage.everywhere = False
    one_run(tmp_path)
    assert attempts == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("the first process says why")
    asked = {"project": "other", "entity": "team", "group": "g", "tags": ["t"], "notes": "why"}
    assert prepare({**SETTINGS, **asked}, tmp_path) == {**SETTINGS, **asked}
    assert read_destination(tmp_path) == asked
    one_run(tmp_path)
    assert len(attempts) == 1


def test_training_does_not_wait_for_a_client_that_hangs(tmp_path, capsys, attempts, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(tracker_run, "open_run", lambda *a, **k: release.wait())
    monkeypatch.setattr("rnnbench.tracker.mirror.CLOSE_SECONDS", {"offline": 0.5})
    start = time.monotonic()
    left = one_run(tmp_path)
    assert time.monotonic() - start < 5
    assert "more than" in capsys.readouterr().err
    release.set()
    left.thread.join(30)  # it must not call an outage in the middle of another test
    assert not left.thread.is_alive()


def test_no_tracker_writes_nothing(tmp_path):
    mirror = open_tracker({**SETTINGS, "kind": "none"}, tmp_path, "gaps")
    mirror.start(record(0))
    mirror.log(record(0)["run_id"], rows(0)[0])
    mirror.finish(record(0))
    mirror.close()
    assert list(tmp_path.iterdir()) == []


def test_the_summary_run_has_tables_figures_and_the_results(tmp_path, reference):
    assert log_summary("gaps", SETTINGS, reference, reference / "report")
    (run,) = offline_runs(reference)
    assert (run["run"]["job_type"], run["run"]["run_group"]) == ("summary", "gaps")
    assert run["run"]["run_id"] == summary_id("gaps")
    assert (run["summary"]["runs"], run["summary"]["solved"]) == (20, 20)
    assert [row["_step"] for row in run["history"]] == [20]
    (directory,) = (reference / "wandb").glob("offline-run-*")
    files = (directory / "files" / "media").rglob("*.*")
    media = {re.sub(r"_\d+_[0-9a-f]{20}\..*", "", path.name) for path in files}
    assert media >= {"results", "horizons", "by_gap_adding", "accuracy_vs_gap", "score_vs_gap"}


@pytest.mark.long
def test_a_summary_that_fails_is_one_warning(tmp_path, capsys, attempts, reference):
    mirror_summary("gaps", SETTINGS, reference, tmp_path / "no report")
    (line,) = capsys.readouterr().err.splitlines()
    assert "summary.csv" in line
    assert Outage(reference).is_on


@pytest.fixture
def reference(tmp_path):
    """A few published results, and their report."""
    source = Path(__file__).parents[2] / "results" / "reference" / "records.jsonl"
    directory = tmp_path / "few"
    directory.mkdir()
    kept = [line for line in source.read_text().splitlines() if is_kept(json.loads(line))]
    (directory / "records.jsonl").write_text("\n".join(kept))
    write_report([directory])
    return directory


def is_kept(found):
    return (
        (found["task"], found["cell"]) == ("adding", "gru")
        and found["gap"] in (11, 20)
        and not found["config"].get("tuned")
    )


def test_runs_that_were_sent_are_marked_as_the_client_does(tmp_path):
    one_run(tmp_path)
    (run,) = offline_runs(tmp_path)
    mark_sent(tmp_path, run["run"]["run_id"])
    command = [sys.executable, "-m", "wandb", "sync", "--dry-run", str(tmp_path / "wandb")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Skipped" in done.stderr
    assert "No runs to sync" in done.stderr
