"""One job as a cluster runs it: a thread trains, the main thread minds signals."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from rnnbench.errors import describe
from rnnbench.launcher.child import overdue
from rnnbench.launcher.plan import Job
from rnnbench.launcher.pool import Work

LOOK_SECONDS = 0.1


class Outcome(NamedTuple):
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
        self.outcome: Outcome | None = None
        self.overdue = False
        self._seconds, self._began = seconds, time.monotonic()
        self.stop = threading.Event()
        self._work, self._job = work, job
        threading.Thread(target=self._run, daemon=True).start()

    def end(self) -> Outcome:
        """Wait for the end, or until the time is over; the thread is then left to the process.

        No lock is held meanwhile: a signal's handler may come in between and wait here, too.
        """
        while self.outcome is None:
            time.sleep(LOOK_SECONDS)
            if self._seconds is not None and time.monotonic() - self._began > self._seconds:
                self.overdue = True
                return Outcome("error", overdue(self._seconds), False)
        return self.outcome

    def _run(self) -> None:
        try:
            from rnnbench.machine import prepare_process

            prepare_process()  # its settings are those of a thread
            kind, value = "done", self._work(self._job, _untold, self.stop)
        except BaseException as error:  # else the main thread would wait for ever
            kind, value = "error", describe(error)
        self.outcome = Outcome(kind, value, self.stop.is_set())


def _untold(news: Any) -> None:
    """Tell nothing: the launcher reads the news that the work leaves in its directory."""
