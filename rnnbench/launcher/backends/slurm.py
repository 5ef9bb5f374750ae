"""Run jobs as array tasks of SLURM: submit them, watch the queue, submit lost ones again.

It needs no accounting: the controller itself remembers for some minutes how a task ended.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rnnbench.launcher.backends import Assignment, CannotRun, Runner
from rnnbench.launcher.backends.submission import Part, SlurmTask, Submission, environment
from rnnbench.launcher.backends.task import TaskEnd, Tasks

# A task in any other state has ended.
LEFT = frozenset(
    "PENDING REQUEUED REQUEUE_HOLD REQUEUE_FED SPECIAL_EXIT RESV_DEL_HOLD RUNNING CONFIGURING "
    "COMPLETING STAGE_OUT SIGNALING RESIZING STOPPED SUSPENDED".split()
)
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol")
COMMAND_SECONDS = 60
POLL_SECONDS = 1.0
QUEUE_SECONDS = 5.0  # between two looks at the queue, which all users share
RESULT_SECONDS = 10.0  # until a file from another node must have become visible
LEAVE_SECONDS = 90.0  # to checkpoint after an interrupt
CANCELLED = "the SLURM job was cancelled"


def ask(*words: str) -> str | None:
    """Return what a command of SLURM prints; None where the controller is away: ask again."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=COMMAND_SECONDS, env=environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def read_states(name: str) -> Mapping[str, str] | None:
    """Return the states of the tasks of all jobs of a name, by task id; None as of `ask`."""
    which = ("--array", "--states=all", f"--name={name}")
    queue = ask("squeue", "--noheader", *which, "--format=%i %T")
    if queue is None:
        return None
    pairs = (line.split() for line in queue.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def tell_to_leave(name: str) -> None:
    """Cancel the tasks that wait, and send SIGTERM to those that run."""
    ask("scancel", "--quiet", "--state=PENDING", f"--name={name}")
    ask("scancel", "--quiet", "--state=RUNNING", "--signal=TERM", f"--name={name}")


def runner_of(cluster: Mapping[str, Any]) -> Runner:
    """Return what submits an assignment to SLURM and waits for its end.

    Raises:
        CannotRun: jobs cannot be submitted from here.
    """
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        raise CannotRun(f"+cluster=slurm needs {', '.join(missing)}: not found on this machine")
    return partial(_run, cluster)


def _run(cluster: Mapping[str, Any], given: Assignment) -> None:
    """Submit all jobs and wait for them; where sbatch refuses, none is left in the queue."""
    if not given.jobs or given.interrupt.stop.is_set():
        return
    tasks = _SlurmTasks(cluster, given)
    try:
        tasks.submit(range(len(given.jobs)))
    except CannotRun:
        tell_to_leave(tasks.name)
        tasks.submission.clear()
        raise
    tasks.run()
    tasks.submission.clear()


class _SlurmTasks(Tasks):
    """Tasks that have not ended, by the index of their job."""

    def __init__(self, cluster: Mapping[str, Any], given: Assignment) -> None:
        super().__init__(given)
        self.tasks: dict[int, Part] = {}
        self.per_task = cluster["per_task"]
        # A name of its own finds these tasks, and no others, with one look at the queue.
        self.name = f"{self.jobs[0].sweep}-{secrets.token_hex(4)}"
        directory = self.jobs[0].output_dir / "cluster" / self.name
        self.submission = Submission(cluster, self.name, directory)
        self._absent: dict[int, float] = {}
        self._looked = time.monotonic()

    @property
    def unfinished(self) -> bool:
        return bool(self.tasks)

    def collect(self) -> None:
        """Take the results that are there; now and then look for tasks that left none."""
        if self.given.interrupt.stop.wait(POLL_SECONDS):
            return
        if time.monotonic() - self._looked < QUEUE_SECONDS:
            self._take_results()
            return
        states = read_states(self.name)
        self._looked = time.monotonic()
        self._take_results()  # after the queue: what ended meanwhile is not lost
        if states is None:
            return
        gone = self._gone(states)
        again = [i for i, task, state in gone if self._runs_again(i, task, state)]
        try:
            self.submit(again)
        except CannotRun as refusal:
            for index in again:
                self.report_end(index, TaskEnd("died", str(refusal)))
        for index, task in self.tasks.items():
            if states.get(task.task_id) == "RUNNING":
                self.report_running(index)

    def leave(self) -> None:
        """Let running tasks checkpoint, cancel the others, and see all of them gone."""
        deadline = time.monotonic() + LEAVE_SECONDS
        states: Mapping[str, str] | None = None
        while states is None or not LEFT.isdisjoint(states.values()):
            if time.monotonic() > deadline or self.given.interrupt.insists:
                ask("scancel", "--quiet", *{task.task_id for task in self.tasks.values()})
                break
            # Told again and again: a task that was just starting may have missed it.
            tell_to_leave(self.name)
            time.sleep(POLL_SECONDS)
            states = read_states(self.name)
        self._take_results(leaving=True)

    def _take_results(self, *, leaving: bool = False) -> None:
        for index, task in list(self.tasks.items()):
            if not task.result.exists():
                continue
            ended = task.read_end()
            if ended.stopped and not leaving:
                continue  # whether somebody cancelled it or it is to run again, the queue knows
            del self.tasks[index]
            if ended.kind == "done":
                task.clear()
            self.report_end(index, ended)

    def _gone(self, states: Mapping[str, str]) -> list[tuple[int, Part, str | None]]:
        """Take out the tasks that have ended and are not done, with their states."""
        gone, now = [], time.monotonic()
        for index, task in list(self.tasks.items()):
            state, since = states.get(task.task_id), self._absent.setdefault(index, now)
            if state in LEFT:
                del self._absent[index]
            elif task.result.exists() or now - since >= RESULT_SECONDS:
                gone.append((index, self.tasks.pop(index), state))
                del self._absent[index]
        return gone

    def _runs_again(self, index: int, task: Part, state: str | None) -> bool:
        """Tell of a task that is gone, if that is its end; return whether it is to run again."""
        has_left = task.result.exists()
        if state == "CANCELLED":  # by somebody else, who does not want it to run again by itself
            self.report_end(index, task.read_end() if has_left else TaskEnd("died", CANCELLED))
            return False
        if has_left:  # at a checkpoint, as one that is preempted does: that may happen often
            return True
        cause = f"the SLURM job left no result ({state or 'not in queue'}; see {task.log})"
        return self.count_loss(index, cause)

    def submit(self, indices: Sequence[int]) -> None:
        """Submit jobs, by their indices; a lost one alone, since it may take others with it."""
        groups = [[index] for index in indices if self.is_lost(index)]
        others = [index for index in indices if not self.is_lost(index)]
        count = -(-len(others) // self.per_task)
        groups += [others[start::count] for start in range(count)]
        work, seconds = self.given.work, self.given.seconds
        tasks = [[SlurmTask(work, self.jobs[i], seconds) for i in group] for group in groups]
        for group, parts in zip(groups, self.submission.submit(tasks), strict=True):
            self.tasks |= zip(group, parts, strict=True)
