"""A worker process from within: wait for a job, do it, send what comes of it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from rnnbench.errors import describe
from rnnbench.launcher.interrupt import SIGNALS

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ORPHAN_SECONDS = 20.0


def serve(connection: Connection) -> None:
    """Work in a spawned process until the pipe closes or SIGTERM asks to leave."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    threading.Thread(target=_follow_parent, args=(stop,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))  # torch is not loaded yet

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


def _follow_parent(stop: threading.Event) -> None:
    """Stop the worker, gently and then at once, when its parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    stop.set()
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)
