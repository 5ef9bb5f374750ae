"""The connection to a Ray cluster: one that runs, or one of this machine for as long as needed."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rnnbench.errors import warn
from rnnbench.launcher.interrupt import SIGNALS
from rnnbench.launcher.runners import CannotRun

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
