"""What is wrong with a cluster is told in one line, before anything starts."""

import os
import subprocess
import sys

import pytest

from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.launcher.plan import find_remaining

from .command import ROOT, SMALL

WRONG = {
    "+cluster=slurm cluster.time=0": "cluster.time must be greater than or equal to 1, got 0",
    "+cluster=slurm cluster.time=1.5": "cluster.time must be a valid integer, got 1.5",
    "+cluster=slurm cluster.memory=lots": "cluster.memory must be a size such as 4G or 500M, "
    "or null for the cluster's default, got 'lots'",
    "+cluster=slurm cluster.gpus=-1": "cluster.gpus must be greater than or equal to 0, got -1",
    "+cluster=slurm +cluster.nodes=2": "cluster.nodes is not an option",
    "+cluster=slurm device=cuda": "device must be auto or cpu where cluster.gpus is 0, got cuda",
    "+cluster=ray cluster.address=here": "cluster.address must be host:port, "
    "or null for a cluster of this machine, got 'here'",
    "+cluster=ray cluster.address=127.0.0.1:9": "cluster.address must be that of a running Ray "
    "cluster, got 127.0.0.1:9",
    "+cluster=mesos": "cluster must be one of ray, slurm, got mesos",
    "+cluster.kind=mesos": "cluster.kind must be slurm or ray, got 'mesos'",
}
WITHOUT = """
import sys
sys.modules[{module!r}] = None
from rnnbench.cli.command import run_command
sys.exit(run_command({words!r}))
"""


def run(directory, *words, module="no_such_module", **environment):
    """Run the command where a module cannot be imported; return its one line."""
    code = WITHOUT.format(module=module, words=[*SMALL, *words])
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=directory, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert list(directory.iterdir()) == []
    (line,) = done.stderr.splitlines()
    return line


def sweep(*words):
    (found,) = make_sweeps(compose([*SMALL, *words]))
    return found


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_value_is_one_line(words, tmp_path):
    assert run(tmp_path, *words.split()).startswith(f"rnnbench: error: {WRONG[words]}")


@pytest.mark.parametrize(("kind", "module"), [("slurm", "submitit"), ("ray", "ray")])
def test_a_missing_extra_is_named(kind, module, tmp_path):
    line = run(tmp_path, f"+cluster={kind}", module=module)
    install = f"pip install 'rnnbench[{kind}]'"
    assert line == f"rnnbench: error: +cluster={kind} needs {module}: {install}"


def test_missing_commands_of_slurm_are_named(tmp_path):
    pytest.importorskip("submitit")
    line = run(tmp_path, "+cluster=slurm", PATH="/nowhere")
    assert line.startswith("rnnbench: error: +cluster=slurm needs sbatch, srun, ")


def test_where_a_sweep_runs_is_not_part_of_its_conditions():
    local, slurm, ray = sweep(), sweep("+cluster=slurm"), sweep("+cluster=ray")
    assert local.jobs == slurm.jobs == ray.jobs
    assert local.cluster is None
    assert (slurm.cluster["kind"], ray.cluster["kind"]) == ("slurm", "ray")


def test_jobs_of_one_directory_agree_on_the_cluster():
    from rnnbench.console import Mistake

    with pytest.raises(Mistake, match="cluster must be the same in all jobs of out"):
        sweep("+cluster=slurm", "cluster.time=5,6", "output_dir=out")


@pytest.mark.parametrize(("gpus", "device"), [(0, "cpu"), (1, "cuda")])
def test_auto_is_the_device_that_a_task_has(gpus, device, tmp_path):
    found = sweep("+cluster=slurm", f"cluster.gpus={gpus}", f"output_dir={tmp_path}")
    assert [job.device for job in find_remaining(found).jobs] == [device]
