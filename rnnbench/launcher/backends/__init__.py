"""What runs the jobs of a sweep: processes of this machine, or tasks of SLURM or Ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from rnnbench.launcher.backends import pool
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import Job


class CannotRun(Exception):
    """A sweep asks for what this machine has not; the text is one line."""


class Runner(Protocol):
    """Do a piece of work for each job, and tell how it went, as `pool.run` does."""

    def __call__(
        self,
        work: pool.Work,
        jobs: Sequence[Job],
        notify: pool.Notify,
        interrupt: Interrupt,
        *,
        workers: int = 1,
        seconds: float | None = None,
        stopping: Callable[[], None] | None = None,
    ) -> None: ...
