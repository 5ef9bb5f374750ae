"""Run jobs as tasks of Ray: of a cluster that runs, or of one that is started on this machine."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from rnnbench.console import warn
from rnnbench.launcher.backends import Assignment, CannotRun, Runner, Work
from rnnbench.launcher.backends.process import THREAD_VARIABLES
from rnnbench.launcher.backends.task import JobThread, TaskEnd, Tasks, own_paths
from rnnbench.launcher.interrupt import SIGNALS

CONNECT_SECONDS = 5.0
POLL_SECONDS = 1.0
LEAVE_SECONDS = 60.0  # to checkpoint after an interrupt


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
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    try:
        _connect(cluster["address"])
        _say_what_lacks(cluster)
        yield
    finally:
        ray.shutdown()


def _connect(address: str | None) -> None:
    """Connect, and leave the launcher's own signal handlers as they are."""
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


def runner_of(cluster: Mapping[str, Any]) -> Runner:
    """Return what hands an assignment to Ray and waits for its end.

    Raises:
        CannotRun: Ray is not installed, or nobody answers at its address.
    """
    if importlib.util.find_spec("ray") is None:
        raise CannotRun("+cluster=ray needs ray: pip install 'rnnbench[ray]'")
    if cluster["address"] is not None:
        reach(cluster["address"])
    return partial(_run, cluster)


def _run(cluster: Mapping[str, Any], given: Assignment) -> None:
    if given.jobs and not given.interrupt.stop.is_set():
        with connected(cluster):
            _RayTasks(cluster, given).run()


class _RayTasks(Tasks):
    """Jobs that wait, and those that Ray has."""

    def __init__(self, cluster: Mapping[str, Any], given: Assignment) -> None:
        import ray

        super().__init__(given)
        self.waiting = deque(range(len(self.jobs)))
        self.running: dict[Any, int] = {}
        self.limit = cluster["max_running"] or len(self.jobs)
        self.remote = ray.remote(
            num_cpus=cluster["cpus"],
            num_gpus=cluster["gpus"],
            max_retries=0,  # a lost task is counted here, and its condition is not tried for ever
            runtime_env={"env_vars": THREAD_VARIABLES},
        )(run_task).remote

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting or self.running)

    def collect(self) -> None:
        """Give Ray the jobs that wait, up to the limit; take those that have ended."""
        place = (os.getcwd(), own_paths())
        while self.waiting and len(self.running) < self.limit:
            index = self.waiting.popleft()
            given = (self.given.work, self.jobs[index], place, self.given.seconds)
            self.running[self.remote(*given)] = index
        self._take_ended()

    def _take_ended(self, *, leaving: bool = False) -> None:
        import ray

        ended, _ = ray.wait(list(self.running), num_returns=1, timeout=POLL_SECONDS)
        for task in ended:
            index = self.running.pop(task)
            try:
                self.report_end(index, TaskEnd(*ray.get(task)))
            except ray.exceptions.RayTaskError as error:  # before its work began: an import
                self.report_end(index, TaskEnd("error", str(error).strip().splitlines()[-1]))
            except ray.exceptions.RayError as error:
                cause = f"the Ray task was lost ({type(error).__name__})"
                if not leaving and self.count_loss(index, cause):
                    self.waiting.append(index)
        for index in self.running.values():
            self.report_running(index)

    def leave(self) -> None:
        """Cancel the jobs that wait, and let those that run checkpoint."""
        import ray

        for task in self.running:
            ray.cancel(task, force=False, recursive=False)
        for _ in range(round(LEAVE_SECONDS / POLL_SECONDS)):
            if not self.running or self.given.interrupt.insists:
                return
            self._take_ended(leaving=True)


def run_task(
    work: Work, job: Any, place: tuple[str, list[str]], seconds: float | None
) -> tuple[str, Any, bool]:
    """Do one job in a worker of Ray; it is cancelled by a KeyboardInterrupt in the main thread.

    Args:
        place: where the launcher is, and where it finds modules: a user's own task lies there.
    """
    directory, paths = place
    os.chdir(directory)
    sys.path += [path for path in paths if path not in sys.path]
    thread = JobThread(work, job, seconds)
    while True:
        try:
            ended = thread.wait()
        except KeyboardInterrupt:
            thread.stop.set()
            continue
        if thread.is_overdue:  # what it is still at must not go on beside the worker's next task
            threading.Timer(1.0, os._exit, (1,)).start()
        return tuple(ended)
