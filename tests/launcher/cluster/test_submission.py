"""What sbatch is given; tests/launcher/cluster/test_slurm.py has a real SLURM run it."""

import os
import shlex
import signal
import subprocess
import sys

import pytest

from rnnbench.launcher.backends import CannotRun
from rnnbench.launcher.backends.submission import SlurmTask, Submission

from .test_settings import sweep

OUTER = {"SLURM_MEM_PER_CPU": "100", "SLURM_NTASKS": "3", "SBATCH_OUTPUT": "x", "SRUN_DEBUG": "9"}
STAND_IN = """#!/bin/sh
env > seen
cat "$1" > script
echo Submitted batch job 7
"""


SRUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
"""


# It starts three processes, one after the other.
SRUN_THREE = SRUN.replace('exec "$@"', 'for SLURM_PROCID in 0 1 2; do "$@" || exit; done').replace(
    "\n", "\nexport SLURM_PROCID\n", 1
)


def tell():
    os.kill(os.getpid(), signal.SIGTERM)


class ToldBeforeItBegins:
    """A job that is told to stop while it is read."""

    def __reduce__(self):
        return tell, ()


def work(job, report, stop):
    """Tell what a user's own module has, and leave in the middle of a job that is told to stop."""
    if job == "gpu":
        return os.environ.get("CUDA_VISIBLE_DEVICES")
    import own

    if job == "told to stop":
        tell()
    if job != "plain":
        assert stop.wait(60)
    return own.VALUE


@pytest.fixture
def submit(tmp_path, monkeypatch):
    """Submit one job through a stand-in of sbatch; return the script's lines."""
    (tmp_path / "sbatch").write_text(STAND_IN)
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)

    def run(*words, groups=(1,), directory="out", job="plain"):
        cluster = sweep("+cluster=slurm", *words).cluster
        tasks = [[SlurmTask(work, job, None)] * count for count in groups]
        parts = Submission(cluster, "name", tmp_path / directory).submit(tasks)
        assert [[part.task_id for part in own] for own in parts] == [
            [f"7_{index}"] * count for index, count in enumerate(groups)
        ]
        run.parts = parts
        return os.fsdecode((tmp_path / "script").read_bytes()).splitlines()

    return run


def flags(lines):
    return [line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")]


def command(lines):
    (line,) = [line for line in lines if line.startswith("srun ")]
    return shlex.split(line)


def test_what_an_outer_job_says_is_not_handed_on(submit, tmp_path, monkeypatch):
    for key, value in OUTER.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("SLURM_CONF", "/etc/own.conf")
    monkeypatch.setenv("OWN", "kept")
    submit()
    seen = (tmp_path / "seen").read_text().splitlines()
    assert {"SLURM_CONF=/etc/own.conf", "OWN=kept"} < set(seen)
    assert not [line for line in seen if line.split("=")[0] in OUTER]
    assert os.environ["SLURM_NTASKS"] == "3"


@pytest.mark.parametrize("directory", ["%j %a", "100%", 'it\'s, "so" = {x}', "a\\b#c", "ü\udcff"])
def test_slurm_is_told_of_no_path(submit, tmp_path, directory):
    lines = submit(directory=directory)
    assert "--output=/dev/null" in flags(lines)
    assert not any("%" in flag for flag in flags(lines) if not flag.startswith("--array="))
    assert str(tmp_path / directory) in command(lines)
    (line,) = [line for line in lines if line.startswith("exec >>")]
    shell = f"{line}\necho told"
    subprocess.run(
        ["bash", "-c", shell], env={**os.environ, "SLURM_ARRAY_TASK_ID": "0"}, check=True
    )
    assert (tmp_path / directory / "0_0.log").read_text() == "told\n"


@pytest.mark.parametrize(
    ("words", "groups", "processes", "cpus"),
    [
        ("cluster.cpus=2", (1, 1), 1, 2),
        ("cluster.per_task=4", (4, 3), 1, 1),
        ("cluster.per_task=4 cluster.cpus=2", (4, 4), 2, 1),
        ("cluster.per_task=2 cluster.cpus=8", (2,), 2, 4),
    ],
)
def test_a_task_has_its_cpus_and_no_more(submit, words, groups, processes, cpus):
    lines = submit(*words.split(), groups=groups)
    for each in (flags(lines), command(lines)):
        assert {f"--ntasks={processes}", f"--cpus-per-task={cpus}"} < set(each)
    assert command(lines)[-1] == str(processes)


def test_containers_are_entered_by_srun_and_other_options_are_sbatch_s(submit):
    image = (
        "{container-image: '/a b.sqsh', comment: it is, exclusive: true, nice: 0, requeue: false}"
    )
    lines = submit("cluster.python=python3 -B", f"cluster.options={image}")
    assert "--container-image=/a b.sqsh" in command(lines)
    python = command(lines).index("python3")
    assert command(lines)[python : python + 3] == ["python3", "-B", "-c"]
    assert {"--comment='it is'", "--exclusive", "--nice=0"} < set(flags(lines))
    assert not [flag for flag in flags(lines) if "container" in flag or "requeue" in flag]


def test_setup_comes_before_the_command_and_a_failure_of_it_ends_the_task(submit, tmp_path):
    lines = submit("cluster.setup=[cd nowhere,touch ran]")
    assert lines.index("cd nowhere") < lines.index(next(line for line in lines if "srun" in line))
    variables = {**os.environ, "SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_JOB_ID": "7"}
    done = subprocess.run(["bash", tmp_path / "script"], env=variables)
    assert done.returncode == 1
    assert not (tmp_path / "ran").exists()


def test_what_sbatch_answers_without_a_number_is_a_refusal(submit, tmp_path):
    (tmp_path / "sbatch").write_text("#!/bin/sh\necho queued\n")
    with pytest.raises(CannotRun, match="sbatch refuses the job: queued"):
        submit()


STOPPED = [("done", 5, True), ("done", None, True), ("done", None, True)]


@pytest.mark.parametrize(
    ("job", "ends"),
    [
        ("plain", [("done", 5, False)] * 3),
        ("told to stop", STOPPED),
        (ToldBeforeItBegins(), STOPPED),
    ],
)
def test_the_jobs_of_a_task_are_done_in_turn_where_the_command_was_typed(
    submit, tmp_path, monkeypatch, job, ends
):
    (tmp_path / "srun").write_text(SRUN)
    (tmp_path / "srun").chmod(0o755)
    (tmp_path / "own.py").write_text("VALUE = 5\n")
    (tmp_path / "signal.py").write_text("raise SystemExit('not that of Python')\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    submit("cluster.per_task=3", groups=(3,), job=job)
    variables = {**os.environ, "SLURM_ARRAY_TASK_ID": "0"}
    done = subprocess.run(["bash", tmp_path / "script"], env=variables, cwd="/")
    ((first, *others),) = submit.parts
    assert done.returncode == 0, first.log.read_text()
    assert [part.read_end() for part in (first, *others)] == ends
    for part in (first, *others):
        part.clear()
        assert first.log.exists() == (part is not others[-1])


@pytest.mark.long
@pytest.mark.parametrize(
    ("granted", "seen"),
    [
        ("4,7", ["4", "7", "4", "4"]),
        ("GPU-5a", ["GPU-5a"] * 4),
        (None, [None] * 4),
    ],
)
def test_the_processes_of_a_task_have_its_gpus_in_turn(
    submit, tmp_path, monkeypatch, granted, seen
):
    """The first process has two of the four conditions."""
    (tmp_path / "srun").write_text(SRUN_THREE)
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    words = "cluster.per_task=4 cluster.cpus=3 cluster.gpus=2".split()
    lines = submit(*words, groups=(4,), job="gpu")
    assert "--gpus-per-node=2" in flags(lines)
    own = {"CUDA_VISIBLE_DEVICES": granted} if granted else {}
    variables = {**os.environ, "SLURM_ARRAY_TASK_ID": "0", **own}
    done = subprocess.run(["bash", tmp_path / "script"], env=variables, cwd="/")
    (parts,) = submit.parts
    assert done.returncode == 0, parts[0].log.read_text()
    assert [part.read_end().value for part in parts] == seen
