"""Jobs in worker processes: each is run once, and one that dies costs its own job alone."""

import os
import signal
import subprocess
import sys

import pytest

from rnnbench.launcher.backends import Assignment, pool
from rnnbench.launcher.interrupt import Interrupt
from tests.launcher.pool_jobs import (
    Log,
    children,
    obey,
    prepare,
    refuse,
    report_process,
    run,
    see_them_gone,
    show_environment,
    show_gpu,
    square,
)


@pytest.fixture(autouse=True)
def no_worker_stays():
    yield
    see_them_gone(children())


def test_every_job_is_run_once_and_its_progress_arrives():
    log = run(list(range(20)), square, workers=2)
    assert log.told["done"] == {i: i * i for i in range(20)}
    assert log.told["progress"] == {i: i for i in range(20)}
    assert log.told["error"] == log.told["died"] == {}


def test_jobs_are_spread_over_as_many_processes_as_asked_for():
    log = run([0.3, 0.3, 0.3, 0.3], report_process, workers=2)
    assert len(set(log.told["done"].values())) == 2
    assert os.getpid() not in log.told["done"].values()


def test_jobs_are_handed_out_in_their_order():
    assert list(run(list(range(9)), square, workers=1).told["started"]) == list(range(9))


def test_no_jobs_start_no_workers():
    assert run([], square).told["done"] == {}


def test_a_worker_that_dies_costs_its_own_job_alone():
    log = run(["a", "die", "b", "leave", "c", "d"], obey)
    assert log.told["done"] == {0: "a", 2: "b", 4: "c", 5: "d"}
    assert log.told["died"] == {
        1: "the worker process was killed by SIGKILL, perhaps out of memory",
        3: "the worker process ended with exit code 3",
    }


def test_a_job_that_raises_is_described_in_one_line_and_its_worker_goes_on():
    log = run(["raise", "unpicklable", "a"], obey, workers=1)
    assert log.told["error"][0].startswith("ValueError: broken in two lines (pool_jobs.py:")
    assert "pickle" in log.told["error"][1]
    assert log.told["done"] == {2: "a"}


@pytest.mark.parametrize(
    ("job", "name"), [("interrupt", "KeyboardInterrupt"), ("exit", "SystemExit")]
)
def test_a_job_cannot_end_its_worker_by_what_it_raises(job, name, capfd):
    log = run([job, "a"], obey, workers=1)
    assert log.told["error"][0].startswith(name)
    assert log.told["done"] == {1: "a"}
    assert capfd.readouterr().err == ""


def test_workers_are_prepared_once_and_have_one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    log = run([0, 1, 2], show_environment, workers=1, initialize=prepare)
    assert set(log.told["done"].values()) == {("1", "once", False)}


def test_a_worker_that_cannot_be_prepared_fails_its_jobs():
    log = run([0, 1], square, initialize=refuse)
    assert all(text.startswith("OSError: no such device") for text in log.told["error"].values())
    assert len(log.told["error"]) == 2


def test_killed_idle_workers_lose_nothing():
    """Kill the worker the moment its job is done: the next job may be handed over already."""

    def kill(index, kind, value):
        if kind == "done":
            os.kill(value, signal.SIGKILL)

    log = run([0.0] * 8, report_process, Log(kill), workers=1)
    assert len(log.told["done"]) == 8
    assert log.told["died"] == {}


def test_workers_killed_from_outside_lose_what_they_had_begun_alone():
    """Kill every worker that can be found, whatever it does, three times while jobs run."""
    killed = []

    def kill(index, kind, value):
        if kind == "done" and index in (4, 9, 14):
            for process in children():
                os.kill(process, signal.SIGKILL)
                killed.append(process)

    log = run([0.02] * 30, report_process, Log(kill), workers=2)
    assert len(killed) >= 3
    assert len(log.told["done"]) + len(log.told["died"]) == 30
    assert len(log.told["died"]) <= 3
    assert set(log.told["died"]) <= set(log.told["started"])


def test_the_pool_itself_loads_no_torch():
    code = "import sys, rnnbench.launcher.backends.pool; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_job_that_takes_too_long_is_ended_and_the_others_are_done():
    log = run(["a", "sleep", "b"], obey, workers=1, seconds=1.0)
    assert log.told["done"] == {0: "a", 2: "b"}
    assert log.told["died"] == {1: "it took longer than condition_seconds=1"}


@pytest.mark.parametrize("gpus", [("4", "7"), ()])
def test_workers_are_spread_over_the_gpus(gpus, monkeypatch):
    """Each sees one of them; that of a worker that dies goes to the next."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "all")
    log, jobs = Log(), [1, 2, "die", 3, 4, 5, 6]
    with Interrupt() as noted:
        pool.run(Assignment(show_gpu, jobs, log, noted, workers=2, gpus=gpus))
    seen = dict((process, gpu) for gpu, process in log.told["done"].values())
    assert set(seen.values()) == set(gpus or ("all",))
    assert len(log.told["done"]) == 6
    assert len(seen) == 3
