"""The connection to a Ray cluster: one that runs, or one of this machine for as long as needed."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rnnbench.console import warn
from rnnbench.launcher.backends import CannotRun
from rnnbench.launcher.backends.pool import Notify, Work
from rnnbench.launcher.backends.process import THREAD_VARIABLES
from rnnbench.launcher.backends.task import TaskEnd, TaskReports, Training
from rnnbench.launcher.interrupt import SIGNALS, Interrupt
from rnnbench.launcher.plan import Job

CONNECT_SECONDS = 5.0


def reach(address: str) -> None:
    """See that somebody answers at an address.

    Raises:
        CannotRun: nobody does.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        rule = "be that of a running Ray cluster"
        raise CannotRun(f"cluster.address must {rule}, got {address} ({error})") from error


@contextmanager
def connected(cluster: Mapping[str, Any]) -> Iterator[None]:
    """Connect to Ray, quietly; a cluster of this machine ends with the context.

    Raises:
        CannotRun: Ray cannot be reached, or its one node has no room for a task.
    """
    try:
        _connect(cluster["address"])
        _say_what_lacks(cluster)
        yield
    finally:
        import ray

        ray.shutdown()


def _connect(address: str | None) -> None:
    """Connect, and leave the launcher's own signal handlers as they are."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    place = {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        ray.init(**place, logging_level=logging.CRITICAL, log_to_driver=False)
    except (ConnectionError, RuntimeError) as error:
        raise CannotRun(f"Ray cannot be reached: {' '.join(str(error).split())}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _say_what_lacks(cluster: Mapping[str, Any]) -> None:
    """Say that no node has room for a task, which would otherwise wait without a word.

    Raises:
        CannotRun: and none is to come, as the cluster is this machine alone.
    """
    import ray

    cpus, gpus = cluster["cpus"], cluster["gpus"]
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
        return
    lack = f"no node of the Ray cluster has {cpus} CPUs and {gpus} GPUs, which a task asks for"
    if cluster["address"] is None:
        raise CannotRun(lack)
    warn(f"{lack}: waiting for one that has")


POLL_SECONDS = 1.0
LEAVE_SECONDS = 60.0  # to checkpoint after an interrupt


class RayRunner:
    """Fulfils `rnnbench.launcher.backends.local.Runner`."""

    def __init__(self, cluster: Mapping[str, Any]) -> None:
        """Check that Ray is installed, and that somebody answers at the address."""
        if importlib.util.find_spec("ray") is None:
            raise CannotRun("+cluster=ray needs ray: pip install 'rnnbench[ray]'")
        if cluster["address"] is not None:
            reach(cluster["address"])
        self.cluster = cluster

    def __call__(
        self,
        work: Work,
        jobs: Sequence[Job],
        notify: Notify,
        interrupt: Interrupt,
        *,
        workers: int = 1,
        seconds: float | None = None,
        stopping: Callable[[], None] | None = None,
    ) -> None:
        """Hand all jobs to Ray and wait for them."""
        if not jobs or interrupt.stop.is_set():
            return
        with connected(self.cluster):
            tasks = _Tasks(self.cluster, work, jobs, notify, seconds)
            while tasks.unfinished and not interrupt.stop.is_set():
                tasks.hand_out()
                tasks.collect()
            if tasks.unfinished:
                if stopping is not None:
                    stopping()
                tasks.leave(interrupt)


class _Tasks:
    """Jobs that wait, and those that Ray has."""

    def __init__(
        self,
        cluster: Mapping[str, Any],
        work: Work,
        jobs: Sequence[Job],
        notify: Notify,
        seconds: float | None,
    ) -> None:
        import ray

        self.jobs, self.work, self.seconds = jobs, work, seconds
        self.notes = TaskReports(jobs, notify)
        self.waiting = deque(range(len(jobs)))
        self.running: dict[Any, int] = {}
        self.limit = cluster["max_running"] or len(jobs)
        self.run = ray.remote(
            num_cpus=cluster["cpus"],
            num_gpus=cluster["gpus"],
            max_retries=0,  # a lost task is counted here, and its condition is not tried for ever
            runtime_env={"env_vars": dict.fromkeys(THREAD_VARIABLES, "1")},
        )(run_task)

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting or self.running)

    def hand_out(self) -> None:
        """Give Ray the jobs that wait, up to the limit."""
        while self.waiting and len(self.running) < self.limit:
            index = self.waiting.popleft()
            task = self.run.remote(self.work, self.jobs[index], os.getcwd(), self.seconds)
            self.running[task] = index

    def collect(self, *, leaving: bool = False) -> None:
        """Take what has ended, waiting a moment if nothing has; tell the news of the others."""
        import ray

        ended, _ = ray.wait(list(self.running), num_returns=1, timeout=POLL_SECONDS)
        for task in ended:
            index = self.running.pop(task)
            try:
                outcome = TaskEnd(*ray.get(task))
            except ray.exceptions.RayTaskError as error:  # before its work began: an import
                outcome = TaskEnd("error", str(error).strip().splitlines()[-1], False)
            except ray.exceptions.RayError as error:
                if not leaving and self.notes.lose(index, _cause(error)):
                    self.waiting.append(index)
                continue
            self.notes.end(index, outcome.kind, outcome.value)
        self.notes.look(self.running.values())

    def leave(self, interrupt: Interrupt) -> None:
        """Cancel the jobs that wait, and let those that run checkpoint."""
        import ray

        for task in self.running:
            ray.cancel(task, force=False, recursive=False)
        for _ in range(round(LEAVE_SECONDS / POLL_SECONDS)):
            if not self.running or interrupt.insists:
                return
            self.collect(leaving=True)


def run_task(work: Work, job: Job, directory: str, seconds: float | None) -> tuple[str, Any, bool]:
    """Do one job in a worker of Ray; it is cancelled by a KeyboardInterrupt in the main thread.

    Args:
        work: as of a runner.
        job: likewise.
        directory: where the launcher is; a user's own task and a relative output_dir lie there.
        seconds: that it may take; None for no limit.
    """
    os.chdir(directory)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    training = Training(work, job, seconds)
    while True:
        try:
            outcome = training.end()
        except KeyboardInterrupt:
            training.stop.set()
            continue
        if training.overdue:  # what it is still at must not go on beside the worker's next task
            threading.Timer(1.0, os._exit, (1,)).start()
        return tuple(outcome)


def _cause(error: Exception) -> str:
    return f"the Ray task was lost ({type(error).__name__})"
