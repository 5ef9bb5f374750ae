"""What is told of running jobs, turned into progress and into records of failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rnnbench.launcher.plan import Job
from rnnbench.launcher.progress import Progress
from rnnbench.records import FINISHED, Store


class Watch:
    """Takes a pool's notifications: shows them, and stores which replicas failed and why.

    Attributes:
        errors: what went wrong, in one line, by condition id.
    """

    def __init__(self, jobs: Sequence[Job], progress: Progress) -> None:
        self.jobs = jobs
        self.progress = progress
        self.errors: dict[str, str] = {}

    def __call__(self, index: int, kind: str, value: Any) -> None:
        """Take a notification, see `rnnbench.launcher.pool.run`."""
        if kind == "started":
            self.progress.start(index)
        elif kind == "progress":
            self.progress.move(index, value)
        elif kind == "done":
            self._end(index, value)
        else:
            self._fail(index, value)

    def _end(self, index: int, result: dict[str, Any]) -> None:
        statuses = Counter(result["statuses"].values())
        outcome = [f"{count} {status}" for status, count in sorted(statuses.items())]
        if result["stopped"]:
            outcome.append("stopped at a checkpoint")
        failed = statuses["failed"]
        self.progress.end(index, statuses.total() - failed, failed, ", ".join(outcome))

    def _fail(self, index: int, error: str) -> None:
        from rnnbench.worker import failed_records

        job = self.jobs[index]
        store = Store(job["output_dir"])
        self.errors[job["condition"].condition_id] = error
        try:
            failed_records(job, error, store)
        except OSError as unwritable:
            self.progress.say(f"rnnbench: warning: the failure is not stored: {unwritable}")
        records = [store.read(job["condition"].run_id(replica)) for replica in job["replicas"]]
        done = sum(record is not None and record["status"] in FINISHED for record in records)
        self.progress.end(index, done, len(records) - done, f"failed: {error}")
