"""A worker process as its parent has it: started, listened to, ended."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from typing import Any

from rnnbench.launcher.interrupt import SIGNALS
from rnnbench.launcher.process import serve

EXIT_SECONDS = 5.0


class Child:
    """A worker process and the parent's end of its pipe.

    Attributes:
        job: index of the job that was handed over, or None.
        begun: the worker has said that it began that job.
        began: when, by the monotonic clock.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,), daemon=True)
        # A signal that comes while Python starts waits until the worker can deal with it. The
        # tracker, which the first start would bring up, lifts the mask, and so comes before.
        resource_tracker.ensure_running()
        held = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        theirs.close()
        self.job: int | None = None
        self.begun = False
        self.began = 0.0
        self.overdue: float | None = None

    def messages(self) -> Iterator[tuple[str, Any]]:
        """Yield what the worker has sent; at the end of file, how it died."""
        while True:
            try:
                if not self.connection.poll():
                    return
                message = self.connection.recv()
            except (EOFError, OSError):
                self.end()
                yield "died", self._cause()
                return
            yield message

    def end_overdue(self, seconds: float) -> None:
        """Kill the process if its job takes longer than so many seconds."""
        if self.begun and self.overdue is None and time.monotonic() - self.began > seconds:
            self.overdue = seconds
            self.process.kill()

    def end(self) -> None:
        """Close the pipe and see the process out."""
        self.connection.close()
        self.process.join(EXIT_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _cause(self) -> str:
        if self.overdue is not None:
            return overdue(self.overdue)
        code = self.process.exitcode or 0
        if code >= 0:
            return f"the worker process ended with exit code {code}"
        hint = ", perhaps out of memory" if -code == signal.SIGKILL else ""
        return f"the worker process was killed by {signal.Signals(-code).name}{hint}"


def overdue(seconds: float) -> str:
    """Return what is said of a job that did not end in so many seconds."""
    return f"it took longer than condition_seconds={seconds:g}"
