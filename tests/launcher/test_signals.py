"""Signals to a pool and its workers: who goes when, and what is put away before."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from rnnbench.launcher.interrupt import Interrupt
from tests.launcher.pool_jobs import (
    Log,
    children,
    die_when_stopped,
    never_stop,
    report_process,
    run,
    see_them_gone,
    wait_for_stop,
)


@pytest.fixture(autouse=True)
def no_worker_stays():
    yield
    see_them_gone(children())


def run_python(directory, script, *arguments, **options):
    path = directory / "script.py"
    path.write_text(textwrap.dedent(script))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, str(path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_lets_jobs_checkpoint_and_hands_out_no_more(tmp_path, number, code):
    def interrupt_self(index, kind, value):
        if kind == "progress" and len(log.told["progress"]) == 2:
            signal.raise_signal(number)

    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    log = Log(interrupt_self)
    interrupt = Interrupt()
    run([tmp_path] * 5, wait_for_stop, log, interrupt)
    assert interrupt.exit_code == code
    assert set(log.told["started"]) == {0, 1}
    assert log.told["done"] == {0: "stopped", 1: "stopped"}
    assert len(list(tmp_path.glob("checkpoint-*"))) == 2
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_to_the_whole_group_is_the_parents_to_answer(tmp_path):
    """Ctrl-C in a terminal reaches the workers too, also those that are just starting."""
    script = f"""
        import os, signal, sys, threading, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import pool_jobs
        from rnnbench.launcher.interrupt import Interrupt
        if __name__ == "__main__":
            delay = float(sys.argv[1])
            threading.Timer(delay, os.killpg, (os.getpgid(0), signal.SIGINT)).start()
            interrupt = Interrupt()
            jobs = [Path({str(tmp_path)!r})] * 4
            pool_jobs.run(jobs, pool_jobs.wait_for_stop, print, interrupt)
            sys.exit(interrupt.exit_code)
    """
    for delay in (0.05, 0.15, 1.5):
        run_script = run_python(tmp_path, script, str(delay), start_new_session=True)
        output, errors = run_script.communicate(timeout=120)
        assert run_script.returncode == 130, errors
        assert "died" not in output
        assert errors == ""


def test_a_job_that_does_not_stop_is_killed_after_the_grace_time():
    log = Log(lambda index, kind, value: kind == "progress" and os.kill(os.getpid(), 15) or None)
    start = time.monotonic()
    run([0, 1], never_stop, log, workers=1, grace=0.5)
    assert time.monotonic() - start < 10
    assert list(log.told["started"]) == [0]
    assert log.told["died"] == {}
    see_them_gone(list(log.told["progress"].values()))


def test_a_worker_that_dies_while_it_leaves_has_failed_nothing():
    """The parent asked it to go: its job is not done, and runs again another time."""
    log = Log(lambda index, kind, value: kind == "progress" and os.kill(os.getpid(), 15) or None)
    run([0], die_when_stopped, log)
    assert log.told["died"] == log.told["done"] == {}


def test_a_second_ctrl_c_does_not_wait_for_the_grace_time():
    def interrupt_twice(index, kind, value):
        if kind == "progress":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # the same one, passed on
            assert not interrupt.insists
            threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()

    start = time.monotonic()
    interrupt = Interrupt()
    run([0], never_stop, Log(interrupt_twice), interrupt, grace=40.0)
    assert 0.7 < time.monotonic() - start < 10


def test_a_third_ctrl_c_raises():
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.6)
        signal.raise_signal(signal.SIGINT)
        assert interrupt.insists
        time.sleep(0.6)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_sigterm_to_one_worker_costs_no_waiting_job():
    """A worker that was asked to leave from outside leaves, and others take the jobs."""

    def terminate(index, kind, value):
        if kind == "done" and index < 3:
            os.kill(value, signal.SIGTERM)

    log = run([0.0] * 6, report_process, Log(terminate), workers=1)
    assert len(log.told["done"]) == 6
    assert len(set(log.told["done"].values())) == 4


def test_workers_are_gone_soon_after_their_parent_is_killed(tmp_path):
    script = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import pool_jobs
        if __name__ == "__main__":
            tell = lambda index, kind, value: print(value, flush=True)
            jobs = [Path({str(tmp_path)!r})] * 2
            pool_jobs.run(jobs, pool_jobs.wait_for_stop, tell)
    """
    parent = run_python(tmp_path, script)
    assert parent.stdout is not None
    lines = (line.strip() for line in parent.stdout)
    workers = [int(next(line for line in lines if line.isdigit())) for _ in range(2)]
    parent.kill()
    see_them_gone(workers)
    assert len(list(tmp_path.glob("checkpoint-*"))) == 2
    _, errors = parent.communicate(timeout=120)
    assert errors == ""
