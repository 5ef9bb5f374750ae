"""Several launchers on one directory: nothing is trained twice, nothing is left over."""

import io
import json
import os
import shutil
import sys
import threading
import time

import pytest

from rnnbench.experiment.sweep import Job
from rnnbench.launcher.worker import run_job
from rnnbench.store.claims import claim_of, take
from rnnbench.store.records import Store
from rnnbench.store.standing import ProgressFile
from rnnbench.training.recording import store_failure
from tests.in_process import launch_in_process
from tests.small_sweep import NEWS, ONE, REPLICAS, TWO, sweep_of
from tests.waiting import until

# What no worker tells.
WRONG = [
    *({"step": value} for value in ("x", 7, -1, True, 1.0)),
    *({"steps": value} for value in (0, 10**400, None)),
    {"active": -1},
    *({"accuracy": value} for value in (10**400, 1e400, -0.1, 1.1, "1", True, float("nan"))),
]


def files_of(directory, condition):
    runs = [directory / "runs" / f"{condition.run_id(r)}.json" for r in REPLICAS]
    return [*runs, *(run.with_suffix(".safetensors") for run in runs)]


def job_of(directory, condition):
    """Return the job of a whole condition, as if nothing of it were stored."""
    return Job(condition, REPLICAS, directory, "reference", "cpu", sweep="trial")


def train(directory, condition):
    return run_job(job_of(directory, condition), lambda event: None, threading.Event())


class Launch(threading.Thread):
    """A launcher at work on both conditions, beside the test."""

    def __init__(self, directory):
        super().__init__()
        self.directory, self.code = directory, None
        self.start()

    def run(self):
        self.code = launch_in_process(sweep_of(self.directory, ONE, TWO))


@pytest.fixture
def stderr(monkeypatch):
    """Standard error, with news on every look."""
    monkeypatch.setattr("rnnbench.launcher.progress.QUIET_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr", io.StringIO())
    return sys.stderr


@pytest.fixture
def held(tmp_path):
    """The claim of another launcher to the second condition, and a launcher that meets it."""
    claim = take(claim_of(tmp_path, TWO.condition_id))
    with claim:
        launch = Launch(tmp_path)
        until(lambda: all(path.exists() for path in files_of(tmp_path, ONE)))
        time.sleep(1.5)  # more than one look at the claim
        assert launch.is_alive()
        assert not any(path.exists() for path in files_of(tmp_path, TWO))
        yield claim, launch
    launch.join(120)


def test_what_another_launcher_finishes_is_not_trained_again(held, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    train(elsewhere, TWO)
    claim, launch = held
    for path in files_of(elsewhere, TWO):
        shutil.copy2(path, tmp_path / "runs")
    before = [path.stat().st_mtime_ns for path in files_of(tmp_path, TWO)]
    claim.__exit__(None, None, None)
    launch.join(120)
    assert launch.code == 0
    assert [path.stat().st_mtime_ns for path in files_of(tmp_path, TWO)] == before


def test_what_another_launcher_gives_up_is_trained_here(held, tmp_path):
    claim, launch = held
    claim.__exit__(None, None, None)
    launch.join(120)
    assert launch.code == 0
    statuses = {record["status"] for record in Store(tmp_path).runs().values()}
    assert len(Store(tmp_path).runs()) == 4
    assert statuses <= {"solved", "unsolved"}


@pytest.mark.long
def test_what_failed_elsewhere_is_told_and_left_to_the_next_start(held, tmp_path, capsys):
    claim, launch = held
    store_failure(job_of(tmp_path, TWO), "no luck")
    claim.__exit__(None, None, None)
    launch.join(120)
    assert launch.code == 1
    assert "failed: recall gap 7 gru (2 of 2 replicas): no luck" in capsys.readouterr().out


@pytest.mark.long
def test_what_lies_in_the_way_of_a_claim_is_told_and_left_alone(tmp_path, capfd):
    stranger = claim_of(tmp_path, TWO.condition_id) / "thesis.txt"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("precious")
    assert launch_in_process(sweep_of(tmp_path, ONE, TWO)) == 1
    assert "must hold nothing but a claim, got 'thesis.txt'" in capfd.readouterr().out
    assert stranger.read_text() == "precious"
    assert all(path.exists() for path in files_of(tmp_path, ONE))


def test_a_finished_condition_is_not_trained_again_by_a_job_planned_before(tmp_path):
    """As when another launcher has come between the plan and the job."""
    train(tmp_path, ONE)
    before = [path.stat().st_mtime_ns for path in files_of(tmp_path, ONE)]
    result = train(tmp_path, ONE)
    assert set(result.statuses) == {ONE.run_id(replica) for replica in REPLICAS}
    assert (result.stopped, result.found) == (False, 2)
    assert [path.stat().st_mtime_ns for path in files_of(tmp_path, ONE)] == before


@pytest.mark.long
def test_news_of_a_condition_trained_elsewhere_are_shown(stderr, held, tmp_path):
    ProgressFile(tmp_path, TWO.condition_id).tell(NEWS)
    told = "recall gap 7 gru: step 3 of 6, accuracy 0.25 on "
    until(lambda: told in stderr.getvalue())


@pytest.mark.long
def test_news_that_nobody_tells_are_not_shown(stderr, held, tmp_path):
    progress = tmp_path / "progress" / f"{TWO.condition_id}.json"
    progress.parent.mkdir(exist_ok=True)
    progress.write_text(json.dumps({**NEWS, "step": 0, "steps": 0}))
    _, launch = held
    time.sleep(2)
    assert launch.is_alive()


def test_news_are_read_as_told_or_not_at_all(tmp_path):
    news = ProgressFile(tmp_path, "0123")
    assert news.read() is None
    news.tell(NEWS)
    assert news.read() == NEWS
    news.tell({**NEWS, "step": 4})  # too soon after the last
    assert news.read()["step"] == 3
    for broken in [
        "",
        "{",
        "[1]",
        '{"step": 1}',
        *(json.dumps({**NEWS, **change}) for change in WRONG),
    ]:
        news.path.write_text(broken)
        assert news.read() is None, broken
    news.path.unlink()
    os.mkfifo(news.path)
    assert news.read() is None
    news.path.unlink()
    news.path.symlink_to("/dev/zero")
    assert news.read() is None
    news.clear()
    assert not news.path.parent.exists()
