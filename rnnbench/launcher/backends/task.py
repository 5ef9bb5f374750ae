"""Run jobs as tasks of a cluster: what SLURM and Ray have in common."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, NamedTuple

from rnnbench.console import describe
from rnnbench.launcher.backends import Assignment, Work, overdue

LOOK_SECONDS = 0.1
RERUNS = 3


class TaskEnd(NamedTuple):
    """How a task ended.

    Attributes:
        kind: "done" or "error"; "died" where it has left no result.
        value: the work's result, or its error in one line.
        stopped: it was told to stop.
    """

    kind: str
    value: Any
    stopped: bool = False


class Training:
    """A job in a thread of its own, so that the main thread can tell it to stop at a checkpoint."""

    def __init__(self, work: Work, job: Any, seconds: float | None) -> None:
        """Begin; the job may take so many seconds, or any time where that is None."""
        self.ended: TaskEnd | None = None
        self.overdue = False
        self.stop = threading.Event()
        self._seconds, self._began = seconds, time.monotonic()
        self._work, self._job = work, job
        threading.Thread(target=self._run, daemon=True).start()

    def end(self) -> TaskEnd:
        """Wait for the end, or until the time is over; the thread is then left to the process.

        No lock is held meanwhile: a signal's handler may come in between and wait here, too.
        """
        while self.ended is None:
            time.sleep(LOOK_SECONDS)
            if self._seconds is not None and time.monotonic() - self._began > self._seconds:
                self.overdue = True
                return TaskEnd("error", overdue(self._seconds))
        return self.ended

    def _run(self) -> None:
        try:
            from rnnbench.training.machine import prepare_process

            prepare_process()  # its settings are those of a thread
            # Nobody takes its reports: the launcher reads the file in which it tells the same.
            kind, value = "done", self._work(self._job, lambda progress: None, self.stop)
        except BaseException as error:  # else the main thread would wait for ever
            kind, value = "error", describe(error)
        self.ended = TaskEnd(kind, value, self.stop.is_set())


class Tasks(ABC):
    """The tasks of an assignment: a cluster's own class hands them over and collects their ends."""

    def __init__(self, given: Assignment) -> None:
        self.given, self.jobs = given, given.jobs
        self._lost: Counter[int] = Counter()

    def run(self) -> None:
        """Run all jobs; after an interrupt let the running ones checkpoint."""
        while self.unfinished and not self.given.interrupt.stop.is_set():
            self.collect()
        if self.unfinished:
            self.given.stopping()
            self.leave()

    @property
    @abstractmethod
    def unfinished(self) -> bool:
        """Return whether jobs are left that wait or run."""

    @abstractmethod
    def collect(self) -> None:
        """Tell what has become of the tasks, after a moment's wait."""

    @abstractmethod
    def leave(self) -> None:
        """Let running tasks checkpoint, and cancel the others."""

    def look(self, index: int) -> None:
        """Tell that a task runs, and may have written how far it is."""
        self.given.notify(index, "look", None)

    def end(self, index: int, ended: TaskEnd) -> None:
        """Tell how a task ended."""
        self.given.notify(index, ended.kind, ended.value)

    def lose(self, index: int, cause: str) -> bool:
        """Note that a task has left no result; return whether it is to run again."""
        self._lost[index] += 1
        if self._lost[index] <= RERUNS:
            return True
        self.end(index, TaskEnd("died", f"{cause}, {self._lost[index]} times"))
        return False
