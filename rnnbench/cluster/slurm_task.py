"""What submitit runs on a node of SLURM."""

from __future__ import annotations

import signal

from submitit.helpers import Checkpointable, DelayedSubmission

from rnnbench.cluster.task import Outcome, Training
from rnnbench.launcher.plan import Job
from rnnbench.launcher.pool import Work


class SlurmTask(Checkpointable):  # type: ignore[misc, unused-ignore]
    """One job: SIGTERM ends it at a checkpoint; before a time-out it is queued again as well."""

    def __init__(self, work: Work, job: Job, seconds: float | None) -> None:
        self.work, self.job, self.seconds = work, job, seconds
        self.training: Training | None = None

    def __call__(self) -> Outcome:
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
