"""Sweeps on a real Ray of this machine: its results, whatever happens on the way."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.waiting import until

from .command import (
    BRIEF,
    ONE,
    ROOT,
    SIX,
    at_work,
    checkpoints,
    documented,
    end,
    finish,
    results,
    start,
)
from .own_cells import BROKEN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # a busy machine takes a minute to start Ray
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not here"),
]
MARK = "RNNBENCH_RAY_TEST"


@pytest.fixture
def ray(tmp_path):
    """Start the command with Ray; nothing that it started outlives it."""
    mark = str(time.monotonic_ns())

    started = []

    def run(*words):
        started.append(start(tmp_path, "+cluster=ray", *words, **{MARK: mark}))
        return started[-1]

    yield run
    end(started)
    until(lambda: not marked(mark))


def marked(mark):
    """Return the processes that have inherited a mark."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in place.read_bytes().split(b"\0"):
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def cluster():
    """Return the process that has the nodes, and their address."""
    words = [sys.executable, str(Path(__file__).with_name("ray_nodes.py"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    variables = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, text=True, env=variables, **pipes) as process:
        yield process, next(line for line in process.stdout if line[:1].isdigit()).strip()
        process.stdin.close()
        process.wait()


@pytest.mark.long
def test_results_are_those_of_this_machine_though_a_node_dies(ray, cluster, tmp_path, local_six):
    nodes, address = cluster
    launcher = ray(*SIX, "trainer.steps=300", f"cluster.address={address}")
    until(lambda: at_work(tmp_path))
    nodes.stdin.write("kill\n")
    nodes.stdin.flush()
    text = finish(launcher)
    assert results(tmp_path) == local_six
    assert "12" in text.splitlines()[-3], text  # all done, none failed


def test_a_task_that_no_node_has_room_for_is_one_line(ray, tmp_path):
    text = finish(ray(*ONE, "cluster.cpus=999"), code=2)
    lack = "no node of the Ray cluster has 999 CPUs and 0 GPUs, which a task asks for"
    assert text.splitlines()[-1] == f"rnnbench: error: {lack}"


@pytest.mark.long
def test_a_killed_worker_costs_no_result(ray, tmp_path, local_one):
    launcher = ray(*ONE)
    os.kill(until(lambda: at_work(tmp_path))[0], signal.SIGKILL)
    finish(launcher)
    assert results(tmp_path) == local_one


@pytest.mark.long
def test_ctrl_c_ends_in_a_checkpoint_and_the_same_command_completes(ray, tmp_path, local_one):
    launcher = ray(*ONE, "cluster.max_running=1")
    until(lambda: at_work(tmp_path))
    launcher.send_signal(signal.SIGINT)
    text = finish(launcher, code=130)
    assert "the same command continues" in text
    assert len(checkpoints(tmp_path)) == 1
    assert results(tmp_path) == {}
    finish(ray(*ONE))
    assert results(tmp_path) == local_one


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "attempts", "told"),
    [
        ("Broken", 1, "RuntimeError: no such luck (own.py:"),
        ("Deadly", 4, "the Ray task was lost (WorkerCrashedError), 4 times"),
        ("Hanging", 1, "it took longer than condition_seconds=15"),
    ],
)
def test_a_lost_task_runs_again_and_a_failed_one_does_not(ray, tmp_path, name, attempts, told):
    (tmp_path / "own.py").write_text(BROKEN)
    words = ["condition_seconds=15"] if name == "Hanging" else []
    text = finish(ray(*ONE, "seeds=1", f"cell._target_=own.{name}", *words), code=1)
    assert told in text
    assert len((tmp_path / "attempts").read_text().split()) == attempts


@pytest.mark.long
def test_what_the_documentation_says_runs(ray, cluster, tmp_path):
    _, address = cluster
    for line in documented("+cluster=ray"):
        words = [word.replace("head:6379", address) for word in line]
        finish(ray(*words, *BRIEF, "retrain=true"))
        assert results(tmp_path)
