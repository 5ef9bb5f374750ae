"""Run jobs: in processes of this machine, or as tasks of SLURM or Ray."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rnnbench.launcher.interrupt import Interrupt

# `work(job, report, stop) -> result`: importable by its name; `report` takes how far it is.
Work = Callable[[Any, Callable[[Any], None], threading.Event], Any]
# `notify(index, kind, value)`, with kind "started", "progress" (what the job reports), "look" (the
# job's progress file may have changed), and at the end "done" (the job's result), "error" (what
# the job raised, in one line) or "died" (how its process ended, in one line).
Notify = Callable[[int, str, Any], None]
ENDS = ("done", "error", "died")


class CannotRun(RuntimeError):
    """A sweep asks for what this machine has not; the text is one line."""


@dataclass(frozen=True)
class Assignment:
    """What a runner does.

    Attributes:
        work: does one job.
        jobs: plain values, begun in this order.
        notify: is told how each job goes.
        interrupt: entered by the caller. After an interrupt no job is begun, and those that run
            are told to stop.
        workers: processes at most, on this machine.
        gpus: over which workers are spread, as CUDA_VISIBLE_DEVICES names them; none to let each
            worker see what this process sees.
        seconds: that a job may take, after which its process is killed; None for no limit.
        stopping: called when an interrupt has come and jobs are left.
    """

    work: Work
    jobs: Sequence[Any]
    notify: Notify
    interrupt: Interrupt
    workers: int = 1
    seconds: float | None = None
    gpus: Sequence[str] = ()
    stopping: Callable[[], None] = lambda: None


Runner = Callable[[Assignment], object]


def overdue_message(seconds: float) -> str:
    """Return what is said of a job that did not end in so many seconds."""
    return f"it took longer than condition_seconds={seconds:g}"
