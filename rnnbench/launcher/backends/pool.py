"""Run jobs in worker processes, or one after the other in this process.

Workers have one pipe each and share nothing, so that one that dies costs its own job alone.
"""

from __future__ import annotations

import pickle
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from typing import Any

from rnnbench.console import describe, leave_if_repeated
from rnnbench.launcher.backends import ENDS, Assignment, CannotRun
from rnnbench.launcher.backends.process import Worker
from rnnbench.launcher.interrupt import Interrupt

POLL_SECONDS = 0.25
UNGUARDED = 'a script that starts workers must do so under `if __name__ == "__main__":`'
HAND_OVERS = 10  # of one job to workers that die before they begin it


def run_in_workers(given: Assignment) -> None:
    """Run jobs in worker processes of one thread each."""
    from rnnbench.training.machine import prepare_process

    run(given, initialize=prepare_process)


def run_here(given: Assignment) -> list[Exception]:
    """Run jobs one after the other in this process, as in a worker; return what they raised.

    None is ended when its `seconds` are over: there is nobody to do that.
    """
    from rnnbench.training.borrow import borrow_process

    raised: list[Exception] = []
    with borrow_process():
        for index, job in enumerate(given.jobs):
            if given.interrupt.stop.is_set():
                break
            given.notify(index, "started", None)
            report = partial(given.notify, index, "progress")
            try:
                result = given.work(job, report, given.interrupt.stop)
            except Exception as error:  # a job's own: the others go on, as they do in workers
                given.notify(index, "error", describe(error))
                raised.append(error)
            else:
                given.notify(index, "done", result)
    return raised


def run(
    given: Assignment, *, initialize: Callable[[], None] | None = None, grace: float = 30.0
) -> None:
    """Run every job in one of several spawned processes.

    A worker that dies takes the job with it that it had begun, and no other.

    Args:
        initialize: called once in each worker, before its first job.
        grace: seconds that running jobs have after an interrupt, until they are killed.

    Raises:
        CannotRun: the program's script repeats this call in each worker that starts.
    """
    leave_if_repeated()
    pool, stop = _Pool(given, initialize), given.interrupt.stop
    try:
        while pool.unfinished and not stop.is_set():
            pool.hand_out()
            pool.collect()
        if pool.unfinished:
            given.stopping()
    finally:
        pool.leave(given.interrupt, grace)


class _Pool:
    """The parent's side: jobs that wait, and workers."""

    def __init__(self, given: Assignment, initialize: Callable[[], None] | None) -> None:
        self.given = given
        self.jobs = [pickle.dumps((initialize, given.work, job)) for job in given.jobs]
        self.waiting = deque(range(len(self.jobs)))
        self.workers: list[Worker] = []
        self.hand_overs: Counter[int] = Counter()
        self.leaving = False

    @property
    def busy(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.job is not None]

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting or self.busy)

    def hand_out(self) -> None:
        """Give each idle worker a job, starting workers up to the limit."""
        useful = min(self.given.workers, len(self.waiting) + len(self.busy))
        while len(self.workers) < useful:
            self.workers.append(Worker(self._free_gpu()))
        for worker in self.workers:
            if worker.job is None and self.waiting:
                worker.job = self.waiting.popleft()
                self.hand_overs[worker.job] += 1
                with suppress(OSError):  # a dead worker: `collect` sees its end of file
                    worker.connection.send_bytes(self.jobs[worker.job])

    def _free_gpu(self) -> str | None:
        """Return the GPU that the fewest workers have; None where they are not spread."""
        taken = Counter(worker.gpu for worker in self.workers)
        return min(self.given.gpus, key=lambda gpu: taken[gpu], default=None)

    def collect(self) -> None:
        """Take what the workers have sent, waiting a moment if there is nothing."""
        wait([worker.connection for worker in self.workers], POLL_SECONDS)
        for worker in list(self.workers):
            for kind, value in worker.messages():
                self._take(worker, kind, value)
            worker.end_overdue(self.given.seconds)

    def _take(self, worker: Worker, kind: str, value: Any) -> None:
        index, had_begun = worker.job, worker.has_begun
        if kind == "died":
            self.workers.remove(worker)
            if worker.repeats and not self.leaving:
                raise CannotRun(UNGUARDED)
        if index is None or (kind == "died" and self.leaving):
            return
        worker.has_begun = kind not in ENDS
        if kind == "started":
            worker.began_at = time.monotonic()
        if kind in ENDS:
            worker.job = None
        if kind == "died" and not had_begun and self.hand_overs[index] < HAND_OVERS:
            self.waiting.appendleft(index)
        else:
            self.given.notify(index, kind, value)

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
