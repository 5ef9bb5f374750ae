"""Run one job on a node of SLURM; only this module imports submitit when it is loaded."""

from __future__ import annotations

import signal

from submitit.helpers import Checkpointable, DelayedSubmission

from rnnbench.launcher.backends.pool import Work
from rnnbench.launcher.backends.task import TaskEnd, Training
from rnnbench.launcher.plan import Job


class SlurmTask(Checkpointable):  # type: ignore[misc, unused-ignore]
    """One job: SIGTERM ends it at a checkpoint; before a time-out it is queued again as well."""

    def __init__(self, work: Work, job: Job, seconds: float | None) -> None:
        self.work, self.job, self.seconds = work, job, seconds
        self.training: Training | None = None

    def __call__(self) -> TaskEnd:
        """Train to the end, or to a checkpoint."""
        training = self.training = Training(self.work, self.job, self.seconds)
        signal.signal(signal.SIGTERM, lambda number, frame: training.stop.set())
        return training.end()

    def checkpoint(self) -> DelayedSubmission:
        """Put the training away and return what goes on with it; submitit queues that again."""
        if self.training is not None:
            self.training.stop.set()
            self.training.end()
        return DelayedSubmission(SlurmTask(self.work, self.job, self.seconds))
