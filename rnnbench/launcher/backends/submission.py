"""Submit job arrays through submitit, and read the results that their tasks leave behind."""

from __future__ import annotations

import io
import logging
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from rnnbench.launcher.backends import CannotRun, Work
from rnnbench.launcher.backends.process import THREAD_VARIABLES
from rnnbench.launcher.backends.task import JobThread, TaskEnd

SIGNAL_SECONDS = 90  # before the time is up, to checkpoint and queue again
MAX_TIMEOUTS = 1000
MAX_ARRAY = 1000  # tasks; SLURM refuses arrays of more unless it is configured otherwise


class SlurmTask:
    """One job on a node: SIGTERM ends it at a checkpoint; before a time-out it is queued again."""

    def __init__(self, work: Work, job: Any, seconds: float | None) -> None:
        self.work, self.job, self.seconds = work, job, seconds
        self.training: JobThread | None = None

    def __call__(self) -> TaskEnd:
        """Train to the end, or to a checkpoint."""
        training = self.training = JobThread(self.work, self.job, self.seconds)
        signal.signal(signal.SIGTERM, lambda number, frame: training.stop.set())
        return training.wait()

    def checkpoint(self) -> Any:
        """Put the training away and return what goes on with it; submitit queues that again."""
        from submitit.helpers import DelayedSubmission

        if self.training is not None:
            self.training.stop.set()
            self.training.wait()
        return DelayedSubmission(SlurmTask(self.work, self.job, self.seconds))


class Submission:
    """Job arrays of one name, with all their files in one directory.

    submitit hands tasks and results over as pickles. The directory must therefore be a new one,
    so that no file in it comes from anybody but these tasks.
    """

    def __init__(self, cluster: Mapping[str, Any], name: str, directory: Path) -> None:
        """Make the directory; `cluster` has the settings of conf/cluster/slurm.yaml."""
        import submitit

        logging.getLogger("submitit").setLevel(logging.ERROR)
        self.directory = directory
        directory.mkdir(parents=True)
        self._executor = submitit.SlurmExecutor(directory.absolute(), max_num_timeout=MAX_TIMEOUTS)
        self._executor.update_parameters(
            job_name=name,
            partition=cluster["partition"],
            account=cluster["account"],
            time=cluster["time"],
            mem=cluster["memory"],
            cpus_per_task=cluster["cpus"],
            gpus_per_node=cluster["gpus"] or None,
            array_parallelism=cluster["max_running"] or MAX_ARRAY,
            signal_delay_s=min(SIGNAL_SECONDS, cluster["time"] * 20),
            wckey=None,
            srun_args=[f"--cpus-per-task={cluster['cpus']}"],
            setup=[f"export {name}={value}" for name, value in THREAD_VARIABLES.items()],
            additional_parameters={"requeue": True, **cluster["options"]},
        )

    def submit(self, tasks: Sequence[SlurmTask]) -> list[Any]:
        """Submit tasks, as one array where they are not too many; return submitit's jobs.

        Raises:
            CannotRun: sbatch refuses them.
        """
        jobs = []
        for start in range(0, len(tasks), MAX_ARRAY):
            try:
                # submitit prints what sbatch says besides raising it.
                with redirect_stderr(io.StringIO()), self._executor.batch():
                    some = tasks[start : start + MAX_ARRAY]
                    jobs += [self._executor.submit(task) for task in some]
            except Exception as error:  # submitit has no type of its own for what sbatch says
                reason = _last_line(str(error))
                raise CannotRun(f"sbatch refuses the job: {reason}") from error
        return jobs

    def clear(self) -> None:
        """Remove the directory, unless it has logs of tasks that did not end well."""
        if not any(self.directory.glob("*_log.*")):
            shutil.rmtree(self.directory, ignore_errors=True)


def end_of(job: Any) -> TaskEnd:
    """Return how a task ended that has left a result."""
    error = job.exception()
    if error is None:
        return TaskEnd(*job.result())
    # What the task did not catch itself came before its work began: an import, for one. submitit
    # puts the traceback between rulers.
    _, _, trace = str(error).partition("-" * 22)
    trace, _, _ = trace.partition("-" * 22)
    return TaskEnd("error", _last_line(trace or str(error)))


def clear(job: Any) -> None:
    """Remove the files of a task that is done; the logs of others stay."""
    paths = job.paths
    for path in (paths.submitted_pickle, paths.result_pickle, paths.stdout, paths.stderr):
        path.unlink(missing_ok=True)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
