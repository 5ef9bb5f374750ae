"""Run a sweep's jobs, show their progress, store failures, and wait for jobs held elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.experiment.sweep import Job
from rnnbench.launcher.backends import Assignment, Notify, Runner
from rnnbench.launcher.progress import Display
from rnnbench.store.claims import ClaimWatcher, claim_of, holders
from rnnbench.store.records import NewerRecord, Record, Store, is_finished
from rnnbench.store.standing import ProgressFile

if TYPE_CHECKING:
    from rnnbench.launcher.worker import JobResult

POLL_SECONDS = 1.0


class Watch:
    """Run jobs and follow each from its first report to its end.

    Attributes:
        errors: what went wrong, in one line, by condition id.
        held: indices of the jobs that another process was at when they were handed out.
    """

    def __init__(self, jobs: Sequence[Job], display: Display) -> None:
        self.jobs = jobs
        self.display = display
        self.errors: dict[str, str] = {}
        self.held: set[int] = set()

    def run(self, runner: Runner, assignment: Assignment) -> None:
        """Run all jobs; run a job held by another process only after that process lets it go.

        What another process finishes is not run again. One that dies lets go without a word: its
        claim is free when it has not changed for long enough.
        """
        claims, stop = ClaimWatcher(), assignment.interrupt.stop
        waiting: Sequence[int] = range(len(self.jobs))
        while waiting and not stop.is_set():
            jobs = [self.jobs[index] for index in waiting]
            runner(replace(assignment, jobs=jobs, notify=self._numbered(waiting)))
            waiting = []
            while self.held and not waiting:
                waiting = self._released(claims)
                if not waiting and stop.wait(POLL_SECONDS):
                    break

    def notify(self, index: int, kind: str, value: Any) -> None:
        """Show what a notification tells of a job; store its failure (see `backends.Notify`)."""
        if kind == "started":
            self.display.start(index)
        elif kind == "progress":
            self.display.move(index, value)
        elif kind == "look":
            self._look(index)
        elif kind != "done":
            self._fail(index, value)
        elif value is None:
            self.held.add(index)
            self.display.leave(index)
        else:
            self._end(index, value)

    def _numbered(self, indices: Sequence[int]) -> Notify:
        """Return what takes the notifications of some of the jobs, numbered from 0."""
        return lambda index, kind, value: self.notify(indices[index], kind, value)

    def _released(self, claims: ClaimWatcher) -> list[int]:
        """Return the held jobs that are free now and not finished; show how far the others are."""
        free = [index for index in sorted(self.held) if claims.is_free(self._claim(index))]
        self.held -= set(free)
        for index in self.held:
            holder = next(holders(self._claim(index)), None)
            self._look(index, holder.whereabouts if holder else "")
        return [index for index in free if not self._has_ended(index)]

    def _look(self, index: int, where: str = "") -> None:
        """Show what a job has written of its progress."""
        job = self.jobs[index]
        progress = ProgressFile(job.output_dir, job.condition.condition_id).read()
        if progress is not None:
            self.display.move(index, progress, where)

    def _has_ended(self, index: int) -> bool:
        """Return whether a job that nobody holds any more has ended; if so, show how.

        One that failed elsewhere has ended: trying it again is for the next start.
        """
        records = list(filter(None, self._records(index)))
        if len(records) < len(self.jobs[index].replicas):
            return False
        failures = [record["error"] for record in records if record["status"] == "failed"]
        if failures:
            error = next(filter(None, failures), "unknown error")
            self.errors[self.jobs[index].condition.condition_id] = error
        outcome = f"{_counted(record['status'] for record in records)}, elsewhere"
        self.display.end(index, len(records) - len(failures), len(failures), outcome)
        return True

    def _end(self, index: int, result: JobResult) -> None:
        outcome = [_counted(result.statuses.values())] if result.statuses else []
        if result.stopped:
            outcome.append("stopped at a checkpoint")
        elif result.found == len(self.jobs[index].replicas):
            outcome.append("elsewhere")
        if not result.stopped and result.accuracy is not None:
            self.display.accuracies[index] = result.accuracy
        self.display.end(index, len(result.statuses), 0, ", ".join(outcome))

    def _fail(self, index: int, error: str) -> None:
        from rnnbench.training.recording import store_failure

        self.errors[self.jobs[index].condition.condition_id] = error
        try:
            store_failure(self.jobs[index], error)
        except (OSError, NewerRecord) as unwritable:
            self.display.say(f"rnnbench: warning: the failure is not stored: {unwritable}")
        records = self._records(index)
        done = sum(record is not None and is_finished(record) for record in records)
        self.display.end(index, done, len(records) - done, f"failed: {error}")

    def _records(self, index: int) -> list[Record | None]:
        job = self.jobs[index]
        found = Store(job.output_dir).find(job.run_ids)
        return [found.get(run_id) for run_id in job.run_ids]

    def _claim(self, index: int) -> Path:
        job = self.jobs[index]
        return claim_of(job.output_dir, job.condition.condition_id)


def _counted(statuses: Iterable[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(Counter(statuses).items()))
