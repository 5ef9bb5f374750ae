"""A worker process: it waits for a job, does it and sends the result; its parent watches it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from rnnbench import PROCESSORS
from rnnbench.console import WORKER, ExitCode, describe, open_streams
from rnnbench.launcher.backends import overdue_message
from rnnbench.launcher.interrupt import SIGNALS

# Of the libraries below torch: one thread, and none that is bound to the first processor.
THREAD_VARIABLES = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
THREAD_VARIABLES |= {"OMP_PROC_BIND": "false"}
ORPHAN_SECONDS = 20.0
EXIT_SECONDS = 5.0


def serve(connection: Connection, processors: set[int] | None, gpu: str | None) -> None:
    """Do jobs in a spawned process until the pipe closes or SIGTERM asks it to leave.

    It may run on these processors, whichever one its parent is bound to; None where the system
    does not tell. It sees this GPU alone, or all that its parent sees.
    """
    stop = threading.Event()
    open_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    threading.Thread(target=_follow_parent, args=(stop,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.environ.update(THREAD_VARIABLES)  # torch is not loaded yet
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    if processors:
        os.sched_setaffinity(0, processors)

    def send(kind: str, value: Any) -> None:
        with suppress(ConnectionError):  # the parent is gone; the job still puts its work away
            connection.send((kind, value))

    while True:
        try:
            content = connection.recv_bytes()
        except (EOFError, OSError):
            return
        if stop.is_set():
            return
        send("started", None)
        send(*_attempt(content, lambda value: send("progress", value), stop))


def _attempt(
    content: bytes, progress: Callable[[Any], None], stop: threading.Event
) -> tuple[str, Any]:
    try:
        initialize, work, job = pickle.loads(content)
        _initialize_once(initialize)
        result = work(job, progress, stop)
        pickle.dumps(result)
    except BaseException as error:  # also what would end a process: here it is the job's own
        return "error", describe(error)
    return "done", result


@cache
def _initialize_once(initialize: Callable[[], None] | None) -> None:
    if initialize is not None:
        initialize()


@contextmanager
def _own_modules_last() -> Iterator[None]:
    """Start Python without the working directory, until the worker has its parent's path."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def _follow_parent(stop: threading.Event) -> None:
    """Stop the worker, gently and then at once, when its parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    stop.set()
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)


class Worker:
    """A worker process, as its parent sees it.

    Attributes:
        connection: the parent's end of the pipe.
        gpu: the only one that the worker sees; None for all that its parent sees.
        job: index of the job that was handed over, or None.
        has_begun: the worker has said that it began that job.
        began_at: when, by the monotonic clock.
    """

    def __init__(self, gpu: str | None = None) -> None:
        self.gpu = gpu
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        given = theirs, PROCESSORS, gpu
        self.process = context.Process(target=serve, name=WORKER, args=given, daemon=True)
        # A signal that comes while Python starts waits until the worker can deal with it. The
        # tracker, which the first start would bring up, lifts the mask, and so comes before.
        with _own_modules_last():
            resource_tracker.ensure_running()
            held = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            try:
                self.process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, held)
        theirs.close()
        self.job: int | None = None
        self.has_begun = False
        self.began_at = 0.0
        self.limit_passed: float | None = None

    @property
    def repeats(self) -> bool:
        """Return whether the process ended because it came upon the call that started it."""
        return self.process.exitcode == ExitCode.REPEATED and not self.has_begun

    def messages(self) -> Iterator[tuple[str, Any]]:
        """Yield the worker's messages; if its pipe has closed, yield how the process died."""
        try:
            while self.connection.poll():
                yield self.connection.recv()
        except (EOFError, OSError):
            self.end()
            yield "died", self._cause()

    def end_overdue(self, seconds: float | None) -> None:
        """Kill the process if its job takes longer than so many seconds; None is no limit."""
        if seconds is None or not self.has_begun or self.limit_passed is not None:
            return
        if time.monotonic() - self.began_at > seconds:
            self.limit_passed = seconds
            self.process.kill()

    def end(self) -> None:
        """Close the pipe and wait for the process to exit; kill it if it does not."""
        self.connection.close()
        self.process.join(EXIT_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _cause(self) -> str:
        if self.limit_passed is not None:
            return overdue_message(self.limit_passed)
        code = self.process.exitcode or 0
        if code >= 0:
            return f"the worker process ended with exit code {code}"
        hint = ", perhaps out of memory" if -code == signal.SIGKILL else ""
        return f"the worker process was killed by {signal.Signals(-code).name}{hint}"
