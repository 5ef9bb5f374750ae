"""What is wrong with a cluster is told in one line, before anything starts."""

import sys

import pytest

from rnnbench.cli.command import run_command
from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.console import Mistake
from rnnbench.launcher.plan import find_remaining

from .command import SMALL

TIME = "cluster.time must be minutes, HH:MM:SS or D-HH:MM:SS, from 1 to 1048576 minutes"
WRONG = {
    "+cluster=slurm cluster.time=0": f"{TIME}, got 0",
    "+cluster=slurm cluster.time=1.5": f"{TIME}, got 1.5",
    "+cluster=slurm cluster.time=4:00": f"{TIME}, got '4:00'",
    "+cluster=slurm cluster.time=1-99:99:99": f"{TIME}, got '1-99:99:99'",
    "+cluster=slurm cluster.options={output:log}": "cluster.options must leave output to rnnbench, "
    "got {'output': 'log'}",
    "+cluster=slurm cluster.options={job:a}": "cluster.options must leave job-name to rnnbench",
    "+cluster=slurm cluster.options.cpus_per_task=2": "cluster.options must leave cpus-per-task "
    "to cluster.cpus",
    "+cluster=slurm cluster.options={-p:cpu}": "cluster.options must have long names, such as qos, "
    "and not -p",
    "+cluster=slurm cluster.options=long": "cluster.options must hold options of sbatch",
    "+cluster=slurm cluster.options={nice:[1]}": "cluster.options must have a text of one line, a "
    "number, true or false as nice",
    "+cluster=slurm cluster.setup=[1]": "cluster.setup must be a list of lines for a shell",
    "+cluster=slurm cluster.per_task=0": "cluster.per_task must be greater than or equal to 1",
    "+cluster=slurm cluster.memory=lots": "cluster.memory must be a size such as 4G or 500M, "
    "or null for the cluster's default, got 'lots'",
    "+cluster=slurm cluster.gpus=-1": "cluster.gpus must be greater than or equal to 0, got -1",
    "+cluster=slurm cluster.gpus=4 cluster.per_task=8": "cluster.gpus must be at most cluster.cpus "
    "and at most cluster.per_task, as each condition trains on one GPU, with cluster.cpus=1 and "
    "cluster.per_task=8, got 4",
    "+cluster=slurm cluster.gpus=2 cluster.cpus=9": "cluster.gpus must be at most cluster.cpus and "
    "at most cluster.per_task, as each condition trains on one GPU, with cluster.cpus=9 and "
    "cluster.per_task=1, got 2",
    "+cluster=ray cluster.gpus=2": "cluster.gpus must be 0 or 1, as each condition trains on one "
    "GPU: Ray runs as many tasks as it has GPUs, got 2",
    "+cluster=slurm +cluster.nodes=2": "cluster.nodes is not an option",
    "+cluster=slurm device=cuda": "device must be auto or cpu where cluster.gpus is 0, got cuda",
    "+cluster=ray cluster.address=here": "cluster.address must be host:port, "
    "or null for a cluster of this machine, got 'here'",
    "+cluster=ray cluster.address=127.0.0.1:9": "cluster.address must be that of a running Ray "
    "cluster, got 127.0.0.1:9",
    "+cluster=mesos": "cluster must be one of ray, slurm, got mesos",
    "+cluster.kind=mesos": "cluster.kind must be slurm or ray, got 'mesos'",
}


@pytest.fixture
def refused(in_tmp, capsys, exit_code):
    """Return what runs the command, which must not start anything, and gives its one line."""

    def run(*words):
        assert exit_code(run_command, [*SMALL, *words]) == 2
        assert list(in_tmp.iterdir()) == []
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return run


def sweep(*words):
    (found,) = make_sweeps(compose([*SMALL, *words]))
    return found


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_value_is_one_line(words, refused):
    assert refused(*words.split()).startswith(f"rnnbench: error: {WRONG[words]}")


def test_a_missing_extra_is_named(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    line = refused("+cluster=ray")
    assert line == "rnnbench: error: +cluster=ray needs ray: pip install 'rnnbench[ray]'"


def test_missing_commands_of_slurm_are_named(refused, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    line = refused("+cluster=slurm")
    assert line.startswith("rnnbench: error: +cluster=slurm needs sbatch, srun, ")


def test_where_a_sweep_runs_is_not_part_of_its_conditions():
    local, slurm, ray = sweep(), sweep("+cluster=slurm"), sweep("+cluster=ray")
    assert local.jobs == slurm.jobs == ray.jobs
    assert local.cluster is None
    assert (slurm.cluster["kind"], ray.cluster["kind"]) == ("slurm", "ray")


def test_jobs_of_one_directory_agree_on_the_cluster():
    with pytest.raises(Mistake, match="cluster must be the same in all jobs of out"):
        sweep("+cluster=slurm", "cluster.time=5,6", "output_dir=out")


@pytest.mark.parametrize(("gpus", "device"), [(0, "cpu"), (1, "cuda")])
def test_auto_is_the_device_that_a_task_has(gpus, device, tmp_path):
    found = sweep("+cluster=slurm", f"cluster.gpus={gpus}", f"output_dir={tmp_path}")
    assert [job.device for job in find_remaining(found).jobs] == [device]


@pytest.mark.parametrize(
    ("word", "options"),
    [
        ("cluster.options={qos: long, mail_type: END}", {"qos": "long", "mail-type": "END"}),
        ("cluster.options.qos=long", {"qos": "long"}),
        ("+cluster.options.qos=long", {"qos": "long"}),
        ("+cluster.options={exclusive: true}", {"exclusive": True}),
        ("cluster.options={}", {}),
    ],
)
def test_options_may_have_any_key_that_is_not_the_suite_s_own(word, options):
    assert sweep("+cluster=slurm", word).cluster["options"] == options


def test_several_words_of_options_add_up():
    words = ("cluster.options={qos: long}", "cluster.options.nice=5")
    assert sweep("+cluster=slurm", *words).cluster["options"] == {"qos": "long", "nice": 5}


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("trainer={steps: 7, batch_size: 2}", None),
        ("trainer={stepz: 7}", "trainer.stepz is not an option"),
        ("nothing={a: 1}", "nothing is not an option"),
    ],
)
def test_a_dict_sets_the_keys_that_its_section_has(word, error):
    if error is None:
        ((condition, _),) = sweep("cell=rnn", word).jobs
        assert (condition.trainer["steps"], condition.trainer["batch_size"]) == (7, 2)
    else:
        with pytest.raises(Mistake, match=error):
            sweep(word)


@pytest.mark.parametrize(
    ("given", "minutes"),
    [("90", 90), ("04:00:00", 240), ("0:00:30", 1), ("1-12", 2160), ("2-01:30", 2970)],
)
def test_time_is_minutes_or_as_slurm_writes_it(given, minutes):
    assert sweep("+cluster=slurm", f"cluster.time={given}").cluster["time"] == minutes


def test_partition_and_account_have_the_defaults_of_sbatch(monkeypatch):
    monkeypatch.setenv("SBATCH_ACCOUNT", "physics")
    monkeypatch.setenv("SBATCH_PARTITION", "big")
    found = sweep("+cluster=slurm", "cluster.partition=cpu").cluster
    assert (found["account"], found["partition"]) == ("physics", "cpu")
