"""Finished runs of a `records.jsonl` or `records.jsonl.gz` are not trained again."""

import gzip
import re
import threading
from pathlib import Path

import pytest

import rnnbench
from rnnbench.cli.command import run_command
from rnnbench.launcher.plan import find_remaining
from rnnbench.launcher.worker import run_job
from rnnbench.store.records import consolidate, encode, read_records
from rnnbench.training.recording import failed_record, store_failure
from tests.in_process import launch_in_process
from tests.launcher.own_sweeps import condition, statuses, sweep_of

REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "records.jsonl"
NAMES = ("records.jsonl", "records.jsonl.gz")
TINY = "task=recall task.gap=4,5 cell=rnn seeds=2 trainer.steps=6 trainer.batch_size=4".split()
TINY += "trainer.eval_every=3 trainer.eval_size=8 model.hidden_size=4 engine=reference".split()


def put(place, text, name):
    place.mkdir(parents=True)
    packed = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (place / name).write_bytes(packed)


def train(*words):
    return run_command([*words, "tracker=none", "workers=1", "output_dir=out"])


def stored(place):
    return {record["run_id"]: record for record in read_records(place)}


def text_of(place):
    return "".join(f"{encode(record)}\n" for record in read_records(place))


def losses(place):
    return {run_id: record["loss"] for run_id, record in stored(place).items()}


@pytest.mark.parametrize(
    ("sweep", "runs"), [("tuned", 20), pytest.param("gaps", 10, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("name", [NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.long)])
def test_part_of_a_sweep_on_the_reference_trains_nothing(in_tmp, capfd, name, sweep, runs):
    lines = REFERENCE.read_text().splitlines(keepends=True)
    own = [line for line in lines if '"task":"copy","cell":"lstm","gap":11,' in line]
    put(in_tmp / "out", "".join(own), name)
    assert train(f"+sweep={sweep}", "task=copy", "cell=lstm", "task.gap=11", "seeds=10") == 0
    out, err = capfd.readouterr()
    assert re.search(rf"^all +0 +{runs} +0$", out, re.MULTILINE)
    assert "to train" not in err
    assert "to tune" not in err
    assert not (in_tmp / "out" / "runs").exists()
    assert (in_tmp / "out" / "report" / "index.html").exists()


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_main_job_on_the_reference_trains_nothing(in_tmp, capfd, name):
    put(in_tmp / "out", REFERENCE.read_text(), name)
    assert train("+sweep=gaps", "seeds=10") == 0
    assert "all              0      450       0" in capfd.readouterr().out
    assert not (in_tmp / "out" / "runs").exists()
    assert (in_tmp / "out" / "report" / "index.html").exists()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The records of a small sweep that was trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("tiny"))
        assert train(*TINY) == 0
        return stored("out")


@pytest.mark.parametrize("name", [NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.long)])
def test_what_is_missing_or_failed_is_trained_and_nothing_else(in_tmp, capfd, tiny, name):
    missing, failed, *others = tiny.values()
    lines = [encode(record) for record in (failed_record(failed, "no luck"), *others)]
    put(in_tmp / "out", "".join(f"{line}\n" for line in lines), name)
    assert train(*TINY) == 0
    assert "all              2        2       0" in capfd.readouterr().out
    trained = {path.stem for path in (in_tmp / "out" / "runs").glob("*.json")}
    assert trained == {missing["run_id"], failed["run_id"]}
    assert losses("out") == {run_id: record["loss"] for run_id, record in tiny.items()}
    assert {record["status"] for record in stored("out").values()} <= {"solved", "unsolved"}
    assert train(*TINY) == 0
    assert "all              0        4       0" in capfd.readouterr().out


@pytest.mark.long
def test_a_tuning_that_was_consolidated_is_one(in_tmp, capfd):
    words = [*TINY, "task.gap=4", "trainer.lr=auto"]
    assert train(*words) == 0
    (in_tmp / "out").rename(in_tmp / "whole")
    for place in (".", "tuning"):
        put(in_tmp / "out" / place, text_of(in_tmp / "whole" / place), NAMES[1])
    capfd.readouterr()
    assert train(*words) == 0
    out, err = capfd.readouterr()
    assert "0        2       0" in out
    assert "to tune" not in err
    assert losses("out") == losses("whole")


@pytest.mark.parametrize("name", NAMES)
def test_a_workers_fresh_look_finds_what_was_consolidated_meanwhile(tmp_path, name):
    """Another launcher finished the runs, and they were consolidated, since this one looked."""
    (job,) = find_remaining(sweep_of(tmp_path / "out", condition())).jobs
    assert launch_in_process(sweep_of(tmp_path / "whole", condition())) == 0
    put(tmp_path / "out", text_of(tmp_path / "whole"), name)
    result = run_job(job, print, threading.Event())
    assert result.found == 2 and not result.stopped
    assert result.statuses == statuses(tmp_path / "whole")
    store_failure(job, "killed")
    assert not (tmp_path / "out" / "runs").exists()


def test_weights_are_found_beside_consolidated_records(tmp_path):
    assert launch_in_process(sweep_of(tmp_path, condition())) == 0
    consolidate([tmp_path], tmp_path)
    for path in (tmp_path / "runs").glob("*.json"):
        path.unlink()
    for run_id in stored(tmp_path):
        assert rnnbench.load_model(tmp_path, run_id).parameters
