"""What is told of running jobs, turned into progress and into records of failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from rnnbench.launcher.plan import Job
from rnnbench.launcher.progress import Progress
from rnnbench.news import News
from rnnbench.records import FINISHED, NewerRecord, Store


class Watch:
    """Takes a pool's notifications: shows them, and stores which replicas failed and why.

    Attributes:
        errors: what went wrong, in one line, by condition id.
        held: indices of the jobs that another process was at when they were handed out.
    """

    def __init__(self, jobs: Sequence[Job], progress: Progress) -> None:
        self.jobs = jobs
        self.progress = progress
        self.errors: dict[str, str] = {}
        self.held: set[int] = set()

    def of(self, indices: Sequence[int]) -> Callable[[int, str, Any], None]:
        """Return what takes the notifications of some of the jobs, numbered from 0."""
        return lambda index, kind, value: self(indices[index], kind, value)

    def __call__(self, index: int, kind: str, value: Any) -> None:
        """Take a notification, see `rnnbench.launcher.pool.run`."""
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
        news = News(job["output_dir"], job["condition"].condition_id).read()
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
        from rnnbench.recording import store_failure

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
