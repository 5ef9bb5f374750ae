"""Where jobs run: in worker processes, or in this process for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rnnbench.console import describe
from rnnbench.launcher.backends import pool
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import Job


def run_in_workers(
    work: pool.Work,
    jobs: Sequence[Job],
    notify: pool.Notify,
    interrupt: Interrupt,
    *,
    workers: int = 1,
    seconds: float | None = None,
    stopping: Callable[[], None] | None = None,
) -> None:
    """Run jobs in worker processes of one thread each."""
    from rnnbench.training.machine import prepare_process

    pool.run(
        jobs,
        work,
        notify,
        workers=workers,
        seconds=seconds,
        interrupt=interrupt,
        initialize=prepare_process,
        stopping=stopping,
    )


def run_here(
    work: pool.Work,
    jobs: Sequence[Job],
    notify: pool.Notify,
    interrupt: Interrupt,
    *,
    workers: int = 1,
    seconds: float | None = None,
    stopping: Callable[[], None] | None = None,
) -> None:
    """Run jobs one after the other in this process, on one thread as in a worker.

    None is ended when its `seconds` are over: there is nobody to do that.
    """
    import torch

    from rnnbench.training.machine import prepare_process

    threads = torch.get_num_threads()
    prepare_process()
    for index, job in enumerate(jobs):
        if interrupt.stop.is_set():
            break
        notify(index, "started", None)
        try:
            result = work(job, partial(notify, index, "progress"), interrupt.stop)
        except Exception as error:  # a job's own: the others go on, as they do in workers
            notify(index, "error", describe(error))
        else:
            notify(index, "done", result)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
