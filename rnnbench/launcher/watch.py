"""What is told of running jobs, turned into progress and into records of failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import Job
from rnnbench.launcher.progress import Display
from rnnbench.store.claims import ClaimWatcher, claim_of, holders
from rnnbench.store.records import FINISHED, NewerRecord, Store
from rnnbench.store.standing import ProgressFile


class Watch:
    """Takes a pool's notifications: shows them, and stores which replicas failed and why.

    Attributes:
        errors: what went wrong, in one line, by condition id.
        held: indices of the jobs that another process was at when they were handed out.
    """

    def __init__(self, jobs: Sequence[Job], progress: Display) -> None:
        self.jobs = jobs
        self.progress = progress
        self.errors: dict[str, str] = {}
        self.held: set[int] = set()

    def of(self, indices: Sequence[int]) -> Callable[[int, str, Any], None]:
        """Return what takes the notifications of some of the jobs, numbered from 0."""
        return lambda index, kind, value: self(indices[index], kind, value)

    def __call__(self, index: int, kind: str, value: Any) -> None:
        """Take a notification, see `rnnbench.launcher.backends.pool.run`."""
        if kind == "started":
            self.progress.start(index)
        elif kind == "progress":
            self.progress.move(index, value)
        elif kind != "done":
            self._fail(index, value)
        elif value["held"]:
            self.held.add(index)
            self.progress.leave(index)
        else:
            self._end(index, value)

    def look(self, index: int, where: str = "") -> None:
        """Show the news that a job has left in its directory."""
        job = self.jobs[index]
        news = ProgressFile(job["output_dir"], job["condition"].condition_id).read()
        if news is not None:
            self.progress.move(index, news, where)

    def release(self, index: int) -> bool:
        """Take a job back that nobody holds any more; return whether it has ended.

        One that failed elsewhere has ended: trying it again is for the next start.
        """
        self.held.discard(index)
        statuses = Counter(record["status"] if record else None for record in self._records(index))
        if statuses[None]:
            return False
        failed = statuses["failed"]
        if failed:
            errors = (record["error"] for record in self._records(index) if record)
            error = next(filter(None, errors), "unknown error")
            self.errors[self.jobs[index]["condition"].condition_id] = error
        outcome = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        self.progress.end(index, statuses.total() - failed, failed, f"{outcome}, elsewhere")
        return True

    def _end(self, index: int, result: dict[str, Any]) -> None:
        statuses = Counter(result["statuses"].values())
        outcome = [f"{count} {status}" for status, count in sorted(statuses.items())]
        if not result["stopped"] and result["accuracy"] is not None:
            self.progress.accuracies[index] = result["accuracy"]
        if result["stopped"]:
            outcome.append("stopped at a checkpoint")
        elif result["found"] == len(self.jobs[index]["replicas"]):
            outcome.append("elsewhere")
        failed = statuses["failed"]
        self.progress.end(index, statuses.total() - failed, failed, ", ".join(outcome))

    def _fail(self, index: int, error: str) -> None:
        from rnnbench.training.recording import store_failure

        job = self.jobs[index]
        self.errors[job["condition"].condition_id] = error
        try:
            store_failure(job, error, Store(job["output_dir"]))
        except (OSError, NewerRecord) as unwritable:
            self.progress.say(f"rnnbench: warning: the failure is not stored: {unwritable}")
        records = self._records(index)
        done = sum(record is not None and record["status"] in FINISHED for record in records)
        self.progress.end(index, done, len(records) - done, f"failed: {error}")

    def _records(self, index: int) -> list[dict[str, Any] | None]:
        job = self.jobs[index]
        store = Store(job["output_dir"])
        return [store.read(job["condition"].run_id(replica)) for replica in job["replicas"]]


POLL_SECONDS = 1.0
# Runs jobs, and tells how each went to what it is given besides.
Run = Callable[[Sequence[Job], Callable[..., None]], None]


def run_shared(watch: Watch, run: Run, interrupt: Interrupt) -> None:
    """Run all jobs of a watch; those that other processes hold once these have let go of them.

    What another process finishes is not run again. One that dies lets go without a word: its
    claim is free when it has not changed for long enough.
    """
    vigil = ClaimWatcher()
    waiting: Sequence[int] = range(len(watch.jobs))
    while waiting and not interrupt.stop.is_set():
        run([watch.jobs[index] for index in waiting], watch.of(waiting))
        waiting = _await(watch, vigil, interrupt)


def _await(watch: Watch, vigil: ClaimWatcher, interrupt: Interrupt) -> list[int]:
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
