"""Give SLURM and Ray what both need: the base class `Tasks`, and a thread that runs a job."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, NamedTuple

from rnnbench.console import describe
from rnnbench.launcher.backends import Assignment, Work, overdue_message

LOOK_SECONDS = 0.1
RERUNS = 3


def own_paths() -> list[str]:
    """Return where modules are found that do not belong to Python: the suite's, a user's own.

    A task may have another Python, in a container for one, whose packages must be its own.
    """
    places = [os.path.abspath(path) for path in sys.path]
    return [p for p in places if os.path.exists(p) and not re.search(r"lib(64)?/python3", p)]


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


class JobThread:
    """A job in a thread of its own, so that the main thread can tell it to stop at a checkpoint."""

    def __init__(self, work: Work, job: Any, seconds: float | None) -> None:
        """Start the thread; the job may take `seconds`, or any time if that is None."""
        self.ended: TaskEnd | None = None
        self.is_overdue = False
        self.stop = threading.Event()
        self._seconds, self._began = seconds, time.monotonic()
        self._work, self._job = work, job
        threading.Thread(target=self._run, daemon=True).start()

    def wait(self) -> TaskEnd:
        """Wait until the job ends or times out; after a time-out its thread still runs.

        No lock is held meanwhile: a signal's handler may come in between and wait here, too.
        """
        while self.ended is None:
            time.sleep(LOOK_SECONDS)
            if self._seconds is not None and time.monotonic() - self._began > self._seconds:
                self.is_overdue = True
                return TaskEnd("error", overdue_message(self._seconds))
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
    """Run an assignment's jobs as cluster tasks; subclasses submit them and collect ends."""

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
        """Wait a moment, then report to the launcher which tasks have moved on or ended."""

    @abstractmethod
    def leave(self) -> None:
        """Let running tasks checkpoint, and cancel the others."""

    def report_running(self, index: int) -> None:
        """Report that a task runs, so that the launcher reads its progress file again."""
        self.given.notify(index, "look", None)

    def report_end(self, index: int, ended: TaskEnd) -> None:
        """Report to the launcher how a task ended."""
        self.given.notify(index, ended.kind, ended.value)

    def is_lost(self, index: int) -> bool:
        """Return whether a task has once left no result."""
        return self._lost[index] > 0

    def count_loss(self, index: int, cause: str) -> bool:
        """Note that a task has left no result; return whether it is to run again."""
        self._lost[index] += 1
        if self._lost[index] <= RERUNS:
            return True
        self.report_end(index, TaskEnd("died", f"{cause}, {self._lost[index]} times"))
        return False
