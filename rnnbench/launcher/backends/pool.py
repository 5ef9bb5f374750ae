"""Worker processes: one pipe each and nothing shared, so that one that dies costs its job alone."""

from __future__ import annotations

import pickle
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

from rnnbench.launcher.backends.process import Child
from rnnbench.launcher.interrupt import Interrupt

Work = Callable[[Any, Callable[[Any], None], threading.Event], Any]
Notify = Callable[[int, str, Any], None]
ENDS = ("done", "error", "died")

POLL_SECONDS = 0.25
HAND_OVERS = 10  # of one job to workers that die before they begin it


def run(
    jobs: Sequence[Any],
    work: Work,
    notify: Notify,
    *,
    workers: int,
    interrupt: Interrupt,
    seconds: float | None = None,
    initialize: Callable[[], None] | None = None,
    stopping: Callable[[], None] | None = None,
    grace: float = 30.0,
) -> None:
    """Run every job in one of several spawned processes.

    A worker that dies takes the job with it that it had begun, and no other. After an interrupt
    no job is handed out, and those that run see their stop event.

    Args:
        jobs: plain values, handed out in this order.
        work: `work(job, progress, stop) -> result`, importable by its name.
        notify: called as `notify(index, kind, value)` with kind "started", "progress" (what the
            job reports), and at the end "done" (the result), "error" (what the job raised, in
            one line) or "died" (how its worker ended, in one line).
        workers: processes at most.
        interrupt: entered by the caller.
        seconds: that a job may take; the worker of one that takes longer is killed.
        initialize: called once in each worker, before its first job.
        stopping: called when an interrupt has come.
        grace: seconds that running jobs have after an interrupt, until they are killed.
    """
    pool = _Pool([pickle.dumps((initialize, work, job)) for job in jobs], notify, seconds)
    try:
        while pool.unfinished and not interrupt.stop.is_set():
            pool.hand_out(workers)
            pool.collect()
        if stopping is not None and pool.unfinished:
            stopping()
    finally:
        pool.leave(interrupt, grace)


class _Pool:
    """The parent's side: jobs that wait, and workers."""

    def __init__(self, jobs: list[bytes], notify: Notify, seconds: float | None) -> None:
        self.jobs = jobs
        self.notify = notify
        self.seconds = seconds
        self.waiting = deque(range(len(jobs)))
        self.workers: list[Child] = []
        self.hand_overs: Counter[int] = Counter()
        self.leaving = False

    @property
    def busy(self) -> list[Child]:
        return [worker for worker in self.workers if worker.job is not None]

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting or self.busy)

    def hand_out(self, limit: int) -> None:
        """Give each idle worker a job, starting workers up to the limit."""
        while len(self.workers) < min(limit, len(self.waiting) + len(self.busy)):
            self.workers.append(Child())
        for worker in self.workers:
            if worker.job is None and self.waiting:
                worker.job = self.waiting.popleft()
                self.hand_overs[worker.job] += 1
                with suppress(OSError):  # a dead worker: `collect` sees its end of file
                    worker.connection.send_bytes(self.jobs[worker.job])

    def collect(self) -> None:
        """Take what the workers have sent, waiting a moment if there is nothing."""
        wait([worker.connection for worker in self.workers], POLL_SECONDS)
        for worker in list(self.workers):
            for kind, value in worker.messages():
                self._take(worker, kind, value)
            if self.seconds is not None:
                worker.end_overdue(self.seconds)

    def _take(self, worker: Child, kind: str, value: Any) -> None:
        index, begun = worker.job, worker.begun
        if kind == "died":
            self.workers.remove(worker)
        if index is None or (kind == "died" and self.leaving):
            return
        worker.begun = kind not in ENDS
        if kind == "started":
            worker.began = time.monotonic()
        if kind in ENDS:
            worker.job = None
        if kind == "died" and not begun and self.hand_overs[index] < HAND_OVERS:
            self.waiting.appendleft(index)
        else:
            self.notify(index, kind, value)

    def leave(self, interrupt: Interrupt, grace: float) -> None:
        """End all workers: idle ones by closing their pipe, busy ones after their checkpoint."""
        self.leaving = True
        idle = [worker for worker in self.workers if worker.job is None]
        self.workers = self.busy
        for worker in idle:
            worker.connection.close()
        for worker in self.workers:
            worker.process.terminate()
        deadline = time.monotonic() + grace
        while self.busy and time.monotonic() < deadline and not interrupt.insists:
            self.collect()
        for worker in self.busy:
            worker.process.kill()
        for worker in [*idle, *self.workers]:
            worker.end()
