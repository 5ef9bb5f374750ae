"""Submit job arrays to SLURM, do their jobs on the nodes, and read the results they leave behind.

Jobs and results travel as pickles. Their directory must therefore be a new one, so that no file
in it comes from anybody but these tasks.
"""

from __future__ import annotations

import itertools
import os
import pickle
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from rnnbench.console import describe
from rnnbench.launcher.backends import CannotRun, Work
from rnnbench.launcher.backends.process import THREAD_VARIABLES
from rnnbench.launcher.backends.task import JobThread, TaskEnd, own_paths

SIGNAL_SECONDS = 90  # before the time is up, to checkpoint and queue again
MAX_ARRAY = 1000  # tasks; SLURM refuses arrays of more unless it is configured otherwise
AGAIN = 200  # exit code of a task whose time is up; higher than those of killed processes
# What SLURM's programs read: a job in which the command is typed has set many of them.
READ_BY_SLURM = re.compile(r"(SLURM|SBATCH|SRUN|SALLOC|SQUEUE|SCANCEL|SCONTROL)_")
# They say where the cluster is, and nothing of a job.
KEPT = frozenset({"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT"})
# Modules lie where they lie for the launcher. The first entry, the working directory, goes: it
# would come before Python's own.
START = (
    "import os, sys; os.chdir({directory!a}); sys.path[:] = filter(None, sys.path); "
    "sys.path += [path for path in {paths!a} if path not in sys.path]; "
    "from rnnbench.launcher.backends.submission import run_tasks; run_tasks(*sys.argv[1:])"
)
SCRIPT = """#!/bin/bash
{options}

exec >>{log}_$SLURM_ARRAY_TASK_ID.log 2>&1
trap : TERM USR2
set -e
{setup}
set +e
{threads}
{command}
code=$?
[ $code -eq {again} ] && scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
exit $code
"""


def environment() -> dict[str, str]:
    """Return the environment without what an outer job says: options are the command's alone."""
    kept = KEPT.intersection(os.environ)
    return {k: v for k, v in os.environ.items() if k in kept or not READ_BY_SLURM.match(k)}


class SlurmTask(NamedTuple):
    """One job on its way to a node; it may take `seconds` there, or any time if that is None."""

    work: Work
    job: Any
    seconds: float | None


class Part(NamedTuple):
    """One job of a submitted task.

    Attributes:
        task_id: of the task, as squeue shows it; other jobs may share it.
        file: of the job; the result lies beside it.
    """

    task_id: str
    file: Path

    @property
    def result(self) -> Path:
        return self.file.with_suffix(".result")

    @property
    def log(self) -> Path:
        """Where the task's jobs write what they print."""
        return self.file.with_name(f"{self.file.name.rpartition('_')[0]}.log")

    def read_end(self) -> TaskEnd:
        """Return how the job ended; it has left a result."""
        return TaskEnd(*pickle.loads(self.result.read_bytes()))

    def clear(self) -> None:
        """Remove the files of a job that is done; the log stays while others write to it."""
        for path in (self.file, self.result):
            path.unlink(missing_ok=True)
        if not any(self.file.parent.glob(f"{self.log.stem}_*.job")):
            self.log.unlink(missing_ok=True)


class Submission:
    """Job arrays of one name, with all their files in one directory."""

    def __init__(self, cluster: Mapping[str, Any], name: str, directory: Path) -> None:
        """Make the directory; `cluster` has the settings of conf/cluster/slurm.yaml."""
        self.cluster, self.name, self.directory = cluster, name, directory.absolute()
        self.directory.mkdir(parents=True)
        self._batches = itertools.count()

    def submit(self, groups: Sequence[Sequence[SlurmTask]]) -> list[list[Part]]:
        """Submit groups of jobs, each as one task, and all as one array where they are not many.

        Raises:
            CannotRun: sbatch refuses them.
        """
        parts = []
        for start in range(0, len(groups), MAX_ARRAY):
            parts += self._submit_array(groups[start : start + MAX_ARRAY])
        return parts

    def _submit_array(self, groups: Sequence[Sequence[SlurmTask]]) -> list[list[Part]]:
        batch = next(self._batches)
        files = [self._write_jobs(f"{batch}_{index}", jobs) for index, jobs in enumerate(groups)]
        script = self.directory / f"submission_file_{batch}.sh"
        text = self._script(batch, len(groups), max(map(len, groups)))
        script.write_text(text, "utf-8", errors="surrogateescape")
        number = _sbatch(script)
        return [
            [Part(f"{number}_{index}", file) for file in own] for index, own in enumerate(files)
        ]

    def _write_jobs(self, task: str, jobs: Sequence[SlurmTask]) -> list[Path]:
        files = [self.directory / f"{task}_{number}.job" for number in range(len(jobs))]
        for file, job in zip(files, jobs, strict=True):
            file.write_bytes(pickle.dumps(tuple(job)))
        return files

    def _script(self, batch: int, count: int, jobs: int) -> str:
        """Return what sbatch is given: an array of `count` tasks of at most so many jobs.

        SLURM is told of no path of ours: it would expand a % in it.
        """
        cluster = self.cluster
        processes = min(cluster["cpus"], jobs)
        cpus = cluster["cpus"] // processes
        # Containers are entered by what runs on the node, and not by the script around it.
        inside = {k: v for k, v in cluster["options"].items() if k.startswith("container")}
        own = {
            "job-name": self.name,
            "array": f"0-{count - 1}%{cluster['max_running'] or MAX_ARRAY}",
            "output": "/dev/null",
            "signal": f"USR2@{min(SIGNAL_SECONDS, cluster['time'] * 20)}",
            "requeue": True,
            "nodes": 1,
            "ntasks": processes,
            "cpus-per-task": cpus,
            "time": cluster["time"],
            "mem": cluster["memory"],
            "partition": cluster["partition"],
            "account": cluster["account"],
            "gpus-per-node": cluster["gpus"] or None,
        }
        options = own | {k: v for k, v in cluster["options"].items() if k not in inside}
        steps = {"unbuffered": True, "ntasks": processes, "cpus-per-task": cpus}
        steps |= {"kill-on-bad-exit": 0, "wait": 0, **inside}  # each process ends by itself
        start = START.format(directory=os.getcwd(), paths=own_paths())
        python = cluster["python"] or shlex.quote(sys.executable)
        words = shlex.join(["-c", start, str(self.directory), str(batch), str(processes)])
        return SCRIPT.format(
            options="\n".join(f"#SBATCH {flag}" for flag in _flags(options)),
            log=shlex.quote(str(self.directory / str(batch))),
            setup="\n".join(cluster["setup"]),
            threads="\n".join(f"export {name}={value}" for name, value in THREAD_VARIABLES.items()),
            command=" ".join(["srun", *_flags(steps), python, words]),
            again=AGAIN,
        )

    def clear(self) -> None:
        """Remove the directory, unless it has logs of tasks that did not end well."""
        if not any(self.directory.glob("*.log")):
            shutil.rmtree(self.directory, ignore_errors=True)


def _flags(options: Mapping[str, Any]) -> list[str]:
    """Return options as words of a shell; those that are None or False are left out."""
    given = {k: v for k, v in options.items() if v is not None and v is not False}
    values = {k: "" if v is True else f"={shlex.quote(str(v))}" for k, v in given.items()}
    return [f"--{key}{value}" for key, value in values.items()]


def _sbatch(script: Path) -> str:
    """Submit a script and return the number of its job."""
    done = subprocess.run(
        ["sbatch", script], capture_output=True, text=True, errors="replace", env=environment()
    )
    found = re.search(r"job (\d+)", done.stdout)
    if done.returncode or not found:
        lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines()]
        reason = next(filter(None, reversed(lines)), "no reason given")
        raise CannotRun(f"sbatch refuses the job: {reason}")
    return found[1]


def run_tasks(directory: str, batch: str, processes: str) -> None:
    """Do this process's share of a task's jobs on a node, one after another, and exit.

    SIGTERM ends a job at a checkpoint, and so does SIGUSR2, after which the script has the task
    queued again. Jobs that have ended before are passed over then.
    """
    task, process = os.environ["SLURM_ARRAY_TASK_ID"], int(os.environ.get("SLURM_PROCID", "0"))
    _take_gpu(process)
    received: set[int] = set()
    training: JobThread | None = None

    def leave(number: int, frame: Any) -> None:
        received.add(number)
        if training is not None:
            training.stop.set()

    for number in (signal.SIGTERM, signal.SIGUSR2):
        signal.signal(number, leave)
    files = sorted(
        Path(directory).glob(f"{batch}_{task}_*.job"), key=lambda file: (len(file.name), file)
    )
    for file in files[process :: int(processes)]:
        part = Part(task, file)
        with suppress(FileNotFoundError):
            if not part.read_end().stopped:
                continue
            part.result.unlink()
        ended = TaskEnd("done", None, stopped=True)
        # What has timed out cannot be ended but with this process: the rest is to run in another.
        if not received and not (training and training.is_overdue):
            try:
                training = JobThread(*pickle.loads(file.read_bytes()))
                if received:  # since it was asked above, while there was nobody to tell
                    training.stop.set()
                ended = training.wait()
            except Exception as error:  # before its work began: an import, for one
                ended = TaskEnd("error", describe(error))
        draft = part.result.with_suffix(".draft")
        draft.write_bytes(pickle.dumps(tuple(ended)))
        draft.replace(part.result)
    os._exit(AGAIN if signal.SIGUSR2 in received else 0)


def _take_gpu(process: int) -> None:
    """See one GPU of the task alone; the task's other processes see the others, and then this."""
    if named := os.environ.get("CUDA_VISIBLE_DEVICES"):
        gpus = named.split(",")
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[process % len(gpus)]
