"""Several launchers on one directory: take what is free, wait for what others are at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rnnbench.claims import Vigil, claim_of, holders
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import Job
from rnnbench.launcher.watch import Watch

POLL_SECONDS = 1.0
# Runs jobs, and tells how each went to what it is given besides.
Run = Callable[[Sequence[Job], Callable[..., None]], None]


def run_shared(watch: Watch, run: Run, interrupt: Interrupt) -> None:
    """Run all jobs of a watch; those that other processes hold once these have let go of them.

    What another process finishes is not run again. One that dies lets go without a word: its
    claim is free when it has not changed for long enough.
    """
    vigil = Vigil()
    waiting: Sequence[int] = range(len(watch.jobs))
    while waiting and not interrupt.stop.is_set():
        run([watch.jobs[index] for index in waiting], watch.of(waiting))
        waiting = _await(watch, vigil, interrupt)


def _await(watch: Watch, vigil: Vigil, interrupt: Interrupt) -> list[int]:
    """Wait until a held job is free; return those that are free and not finished."""
    while watch.held:
        free = [index for index in sorted(watch.held) if vigil.is_free(_claim(watch, index))]
        left = [index for index in free if not watch.release(index)]
        if left or interrupt.stop.wait(POLL_SECONDS):
            return left
        for index in watch.held:
            watch.look(index, _whereabouts(watch, index))
    return []


def _claim(watch: Watch, index: int) -> Path:
    job = watch.jobs[index]
    return claim_of(job["output_dir"], job["condition"].condition_id)


def _whereabouts(watch: Watch, index: int) -> str:
    return next((holder.whereabouts for holder in holders(_claim(watch, index))), "")
