"""One job as a cluster runs it: a thread trains, the main thread minds signals."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rnnbench.console import describe
from rnnbench.launcher.backends.pool import Notify, Work
from rnnbench.launcher.backends.process import overdue
from rnnbench.launcher.plan import Job
from rnnbench.store.standing import ProgressFile

LOOK_SECONDS = 0.1


class TaskEnd(NamedTuple):
    """How a task ended.

    Attributes:
        kind: "done" or "error".
        value: the work's result, or its error in one line.
        left: it was told to stop.
    """

    kind: str
    value: Any
    left: bool


class Training:
    """A piece of work in a thread of its own, so that it ends in a checkpoint when told to stop."""

    def __init__(self, work: Work, job: Job, seconds: float | None) -> None:
        """Begin.

        Args:
            work: as of a runner.
            job: likewise.
            seconds: that it may take; None for no limit.
        """
        self.outcome: TaskEnd | None = None
        self.overdue = False
        self._seconds, self._began = seconds, time.monotonic()
        self.stop = threading.Event()
        self._work, self._job = work, job
        threading.Thread(target=self._run, daemon=True).start()

    def end(self) -> TaskEnd:
        """Wait for the end, or until the time is over; the thread is then left to the process.

        No lock is held meanwhile: a signal's handler may come in between and wait here, too.
        """
        while self.outcome is None:
            time.sleep(LOOK_SECONDS)
            if self._seconds is not None and time.monotonic() - self._began > self._seconds:
                self.overdue = True
                return TaskEnd("error", overdue(self._seconds), False)
        return self.outcome

    def _run(self) -> None:
        try:
            from rnnbench.training.machine import prepare_process

            prepare_process()  # its settings are those of a thread
            kind, value = "done", self._work(self._job, _untold, self.stop)
        except BaseException as error:  # else the main thread would wait for ever
            kind, value = "error", describe(error)
        self.outcome = TaskEnd(kind, value, self.stop.is_set())


def _untold(news: Any) -> None:
    """Tell nothing: the launcher reads the news that the work leaves in its directory."""


RERUNS = 3


class TaskReports:
    """Turns what becomes of tasks into the notifications of a pool, see `pool.run`."""

    def __init__(self, jobs: Sequence[Job], notify: Notify) -> None:
        self._notify = notify
        self._news = [
            ProgressFile(job["output_dir"], job["condition"].condition_id) for job in jobs
        ]
        self._started: set[int] = set()
        self._lost: Counter[int] = Counter()

    def look(self, indices: Iterable[int]) -> None:
        """Tell the news of the tasks that have some."""
        for index in indices:
            news = self._news[index].read()
            if news is not None:
                self._start(index)
                self._notify(index, "progress", news)

    def end(self, index: int, kind: str, value: object) -> None:
        """Tell how a task ended."""
        self._start(index)
        self._notify(index, kind, value)

    def lose(self, index: int, cause: str) -> bool:
        """Note that a task has left no result; return whether it is to run again."""
        self._lost[index] += 1
        if self._lost[index] <= RERUNS:
            return True
        self.end(index, "died", f"{cause}, {self._lost[index]} times")
        return False

    def _start(self, index: int) -> None:
        if index not in self._started:
            self._started.add(index)
            self._notify(index, "started", None)
