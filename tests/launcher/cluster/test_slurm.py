"""Sweeps on a real SLURM of one node: the results of this machine, whatever happens on the way."""

import os
import signal
import sys

import pytest

from rnnbench.launcher.backends.task import RERUNS
from rnnbench.store.claims import claim_of
from rnnbench.store.records import Store, is_finished
from rnnbench.store.standing import ProgressFile
from tests.waiting import until

from .command import BRIEF, ONE, ROOT, SIX, at_work, checkpoints, finish, results, start
from .own_cells import BROKEN
from .slurm_node import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


def test_results_are_those_of_this_machine_though_a_task_is_killed_and_the_node_restarts(
    slurm, node, tmp_path, local_six
):
    launcher = slurm(*SIX, "trainer.steps=300", "cluster.max_running=3")
    victim = until(lambda: at_work(tmp_path))[0]
    os.kill(victim, signal.SIGKILL)
    node.end("slurmd")
    node.start_node()
    text = finish(launcher)
    assert results(tmp_path) == local_six
    assert "12" in text.splitlines()[-3], text  # all done, none failed
    assert node.queue() == {}


@pytest.mark.long
def test_a_task_told_that_its_time_is_up_goes_on_from_its_checkpoint(
    slurm, node, tmp_path, local_one
):
    launcher = slurm(*ONE)
    until(lambda: at_work(tmp_path))
    (identity,) = [place.name for place in (tmp_path / "out" / "claims").iterdir()]
    news = ProgressFile(tmp_path / "out", identity)
    before = until(news.read)["step"]
    (task,) = node.queue()
    node.run("scancel", "--signal=USR2", task)
    until(lambda: node.queue().get(task) == "PENDING")
    assert checkpoints(tmp_path)
    assert not claim_of(tmp_path / "out", identity).exists()
    # SLURM lets a task that was queued again wait for two minutes.
    node.run("scontrol", "update", f"jobid={task}", "starttime=now")
    after = until(news.read)["step"]
    finish(launcher)
    assert after > before
    assert results(tmp_path) == local_one


@pytest.mark.long
def test_tasks_that_are_preempted_go_on_from_their_checkpoints_however_often(slurm, node, tmp_path):
    words = [*ONE, "trainer.steps=16000", "trainer.eval_every=2000"]
    (tmp_path / "local").mkdir()
    local = start(tmp_path / "local", *words)
    launcher = slurm(*words)
    for _ in range(RERUNS + 1):
        victim = until(lambda: at_work(tmp_path))
        node.run("sbatch", "--partition=urgent", "--exclusive", "--wrap=true", "--output=/dev/null")
        until(lambda victim=victim: at_work(tmp_path) != victim)
        assert checkpoints(tmp_path)
    finish(launcher)
    finish(local)
    assert results(tmp_path) == results(tmp_path / "local") != {}


@pytest.mark.long
def test_ctrl_c_leaves_no_job_and_the_same_command_completes(slurm, node, tmp_path, local_six):
    words = [*SIX, "trainer.steps=300", "cluster.max_running=2"]
    launcher = slurm(*words)
    until(lambda: at_work(tmp_path))
    launcher.send_signal(signal.SIGINT)
    text = finish(launcher, code=130)
    assert "the same command continues" in text
    assert node.queue() == {}
    assert checkpoints(tmp_path)
    assert len(results(tmp_path)) < 12
    finish(slurm(*words))
    assert results(tmp_path) == local_six


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Broken", "RuntimeError: no such luck (own.py:"),
        pytest.param("Hanging", "it took longer than condition_seconds=15", marks=pytest.mark.long),
    ],
)
def test_a_task_s_own_error_is_told_in_one_line_and_not_tried_again(
    slurm, node, tmp_path, name, told
):
    (tmp_path / "own.py").write_text(BROKEN)
    words = ["condition_seconds=15"] if name == "Hanging" else []
    text = finish(slurm(*ONE, "seeds=1", f"cell._target_=own.{name}", *words), code=1)
    assert told in text
    assert (tmp_path / "attempts").read_text() == "one\n"


def test_what_sbatch_refuses_is_one_line(slurm, tmp_path):
    text = finish(slurm(*ONE, "cluster.partition=nowhere"), code=2)
    *_, line = text.splitlines()
    assert line.startswith("rnnbench: error: sbatch refuses the job: ")
    assert "partition" in line
    assert text.count("sbatch: error") == 1, text


@pytest.mark.long
def test_a_killed_launcher_leaves_its_jobs(slurm, node, tmp_path, local_one):
    launcher = slurm(*ONE)
    until(lambda: at_work(tmp_path))
    launcher.kill()
    launcher.communicate()
    until(lambda: not node.queue())
    assert results(tmp_path) == local_one


@pytest.mark.long
def test_conditions_of_one_task_fail_and_end_each_for_itself(slurm, node, tmp_path):
    (tmp_path / "own.py").write_text(BROKEN)
    classes = ",".join(f"own.{name}" for name in ("Broken", "Deadly", "Hanging"))
    words = [*ONE, "seeds=1", "trainer.steps=200", "condition_seconds=20"]
    words += [f"cell._target_=rnnbench.cells.RNN,{classes}", "cluster.cpus=2"]
    text = finish(slurm(*words, "cluster.per_task=4"), code=1)
    for told in (
        "RuntimeError: no such luck",
        "the SLURM job left no result (FAILED; see ",
        "it took longer than condition_seconds=20",
    ):
        assert told in text, text
    records = Store(tmp_path / "out").runs().values()
    assert [record["cell"] for record in records if is_finished(record)] == ["rnn"]
    assert node.queue() == {}


@pytest.mark.long
def test_a_task_of_several_conditions_whose_time_is_up_loses_none(slurm, node, tmp_path, local_one):
    launcher = slurm(*ONE, "task.gap=6,7", "cluster.per_task=2", "cluster.cpus=2")
    until(lambda: len(at_work(tmp_path)) == 2)
    (task,) = node.queue()
    node.run("scancel", "--signal=USR2", task)
    until(lambda: node.queue().get(task) == "PENDING")
    assert len(checkpoints(tmp_path)) == 2
    node.run("scontrol", "update", f"jobid={task}", "starttime=now")
    finish(launcher)
    found = results(tmp_path)
    assert len(found) == 2 * len(local_one)
    assert local_one.items() <= found.items()


@pytest.mark.long
def test_another_s_job_a_strange_path_own_modules_and_setup(slurm, tmp_path):
    directory = tmp_path / '100% of %j, "it\'s" %a'
    directory.mkdir()
    (directory / "own.py").write_text("from rnnbench.cells import RNN as Own\n")
    outer = {"SLURM_MEM_PER_CPU": "100", "SLURM_NTASKS": "7", "SBATCH_ARRAY_INX": "5-9"}
    setup = ['export PATH="$PWD/bin:$PATH"', f"export PYTHONPATH={ROOT}"]
    (directory / "bin").mkdir()
    (directory / "bin" / "other").write_text(f'#!/bin/sh\ntouch used\nexec {sys.executable} "$@"\n')
    (directory / "bin" / "other").chmod(0o755)
    words = [
        *BRIEF,
        "cell=rnn",
        "cell._target_=own.Own",
        "cluster.python=other",
        f"cluster.setup={setup}",
    ]
    finish(slurm(*words, directory=directory, **outer))
    assert len(results(directory)) == 1
    assert (directory / "used").exists()
    assert not any((directory / "out").glob("cluster/*"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [directory.name]
