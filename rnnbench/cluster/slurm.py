"""Runs jobs as the tasks of a SLURM job array, which submitit submits."""

from __future__ import annotations

import importlib.util
import io
import logging
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from rnnbench.cluster import queue
from rnnbench.cluster.notes import Notes
from rnnbench.cluster.task import Outcome
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import Job
from rnnbench.launcher.pool import Notify, Work
from rnnbench.launcher.process import THREAD_VARIABLES
from rnnbench.launcher.runners import CannotRun

COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol")
POLL_SECONDS = 1.0
QUEUE_SECONDS = 5.0  # between two looks at the queue, which all users share
RESULT_SECONDS = 10.0  # until a file from another node must have become visible
LEAVE_SECONDS = 90.0  # to checkpoint after an interrupt
SIGNAL_SECONDS = 90  # before the time is up, to checkpoint and queue again
MAX_TIMEOUTS = 1000


class SlurmRunner:
    """Fulfils `rnnbench.launcher.runners.Runner`."""

    def __init__(self, cluster: Mapping[str, Any]) -> None:
        """Check that jobs can be submitted from here."""
        if importlib.util.find_spec("submitit") is None:
            raise CannotRun("+cluster=slurm needs submitit: pip install 'rnnbench[slurm]'")
        missing = [name for name in COMMANDS if shutil.which(name) is None]
        if missing:
            raise CannotRun(f"+cluster=slurm needs {', '.join(missing)}: not found on this machine")
        self.cluster = cluster

    def __call__(
        self,
        work: Work,
        jobs: Sequence[Job],
        notify: Notify,
        interrupt: Interrupt,
        *,
        workers: int = 1,
        stopping: Callable[[], None] | None = None,
    ) -> None:
        """Submit all jobs and wait for them."""
        if not jobs or interrupt.stop.is_set():
            return
        array = _Array(self.cluster, work, jobs, notify)
        array.submit(range(len(jobs)))
        while array.tasks and not interrupt.stop.wait(POLL_SECONDS):
            array.collect()
        if array.tasks:
            if stopping is not None:
                stopping()
            array.leave(interrupt)


class _Array:
    """Tasks that have not ended, by the index of their job."""

    def __init__(
        self, cluster: Mapping[str, Any], work: Work, jobs: Sequence[Job], notify: Notify
    ) -> None:
        self.jobs, self.work = jobs, work
        self.notes = Notes(jobs, notify)
        self.tasks: dict[int, Any] = {}
        # A name of its own finds these tasks, and no others, with one look at the queue.
        self.name = f"{jobs[0]['sweep']}-{secrets.token_hex(4)}"
        self.executor = _executor(cluster, self.name, Path(jobs[0]["output_dir"]), len(jobs))
        self._absent: dict[int, float] = {}
        self._looked = time.monotonic()

    def submit(self, indices: Iterable[int]) -> None:
        """Submit jobs as one array.

        Raises:
            CannotRun: sbatch refuses them.
        """
        from rnnbench.cluster.slurm_task import SlurmTask

        indices = list(indices)
        try:
            # submitit prints what sbatch says besides raising it.
            with redirect_stderr(io.StringIO()), self.executor.batch():
                tasks = [
                    self.executor.submit(SlurmTask(self.work, self.jobs[index]))
                    for index in indices
                ]
        except Exception as error:  # submitit has no type of its own for what sbatch says
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise CannotRun(f"sbatch refuses the job: {lines[-1] if lines else error}") from error
        self.tasks |= dict(zip(indices, tasks, strict=True))

    def collect(self) -> None:
        """Take the results that are there; now and then look for tasks that left none."""
        self._take_results()
        if time.monotonic() - self._looked < QUEUE_SECONDS:
            return
        states = queue.read_states(self.name)
        self._looked = time.monotonic()
        if states is None:
            return
        again = [i for i, state in self._lost(states) if self.notes.lose(i, _cause(state))]
        for index in [index for index in self._absent if index not in self.tasks]:
            del self._absent[index]
        if again:
            self.submit(again)
        self.notes.look(i for i, t in self.tasks.items() if states.get(t.job_id) == "RUNNING")

    def leave(self, interrupt: Interrupt) -> None:
        """Let running tasks checkpoint, cancel the others, and see all of them gone."""
        deadline = time.monotonic() + LEAVE_SECONDS
        states: Mapping[str, str] | None = None
        while states is None or any(map(queue.is_left, states.values())):
            if time.monotonic() > deadline or interrupt.insists:
                queue.cancel(task.job_id for task in self.tasks.values())
                break
            # Told again: a task that was just starting may have missed it.
            queue.tell_to_leave(self.name)
            time.sleep(POLL_SECONDS)
            states = queue.read_states(self.name)
        self._take_results(leaving=True)

    def _take_results(self, *, leaving: bool = False) -> None:
        for index, task in list(self.tasks.items()):
            if not task.paths.result_pickle.exists():
                continue
            outcome = _outcome(task)
            if outcome.left and not leaving:
                continue  # whether somebody cancelled it or it is to run again, the queue knows
            del self.tasks[index]
            if outcome.kind == "done":
                _clear(task)
            self.notes.end(index, outcome.kind, outcome.value)

    def _lost(self, states: Mapping[str, str]) -> list[tuple[int, str]]:
        """Take out the tasks that have ended without a result, with their states."""
        lost, now = [], time.monotonic()
        for index, task in list(self.tasks.items()):
            state = states.get(task.job_id)
            if queue.is_left(state):
                self._absent.pop(index, None)
            elif now - self._absent.setdefault(index, now) >= RESULT_SECONDS:
                del self.tasks[index]
                if state == "CANCELLED":
                    self._end_cancelled(index, task)
                else:
                    lost.append((index, state or "no longer in the queue"))
        return lost

    def _end_cancelled(self, index: int, task: Any) -> None:
        """Tell of a task that somebody else cancelled: it is not to run again by itself."""
        if task.paths.result_pickle.exists():
            outcome = _outcome(task)
            self.notes.end(index, outcome.kind, outcome.value)
        else:
            self.notes.end(index, "died", "the SLURM job was cancelled")


def _cause(state: str) -> str:
    return f"the SLURM job left no result ({state})"


def _executor(cluster: Mapping[str, Any], name: str, directory: Path, count: int) -> Any:
    import submitit

    logging.getLogger("submitit").setLevel(logging.ERROR)
    executor = submitit.SlurmExecutor(
        (directory / "cluster").absolute(), max_num_timeout=MAX_TIMEOUTS
    )
    executor.update_parameters(
        job_name=name,
        partition=cluster["partition"],
        account=cluster["account"],
        time=cluster["time"],
        mem=cluster["memory"],
        cpus_per_task=cluster["cpus"],
        gpus_per_node=cluster["gpus"] or None,
        array_parallelism=cluster["max_running"] or count,
        signal_delay_s=min(SIGNAL_SECONDS, cluster["time"] * 20),
        wckey=None,
        srun_args=[f"--cpus-per-task={cluster['cpus']}"],
        setup=[f"export {variable}=1" for variable in THREAD_VARIABLES],
        additional_parameters={"requeue": True, **cluster["options"]},
    )
    return executor


def _outcome(task: Any) -> Outcome:
    error = task.exception()
    if error is None:
        outcome: Outcome = task.result()
        return outcome
    # What the task did not catch itself came before its work began: an import, for one.
    lines = [line for line in str(error).split("-" * 22)[1].splitlines() if line.strip()]
    return Outcome("error", lines[-1], False)


def _clear(task: Any) -> None:
    """Remove the files of a task that is done; the logs of others stay."""
    paths = task.paths
    for path in (paths.submitted_pickle, paths.result_pickle, paths.stdout, paths.stderr):
        path.unlink(missing_ok=True)
