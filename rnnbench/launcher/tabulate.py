"""Do a command's jobs in worker processes, and store the rows that they return in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rnnbench.console import ExitCode, say
from rnnbench.launcher.backends import ENDS, Assignment, CannotRun, Work
from rnnbench.launcher.backends.pool import run_in_workers
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import useful_workers
from rnnbench.store.tables import RowFile

Jobs = Sequence[dict[str, Any]]


def tabulate(
    program: str, work: Work, jobs: Jobs, file: RowFile, directory: Path, workers: int
) -> int:
    """Do jobs in workers, store the rows that they return, and print how many there are now.

    Args:
        work: returns a job's rows; those that it has when it is to stop, too.
        workers: processes; 0 for one per core.

    Returns:
        The exit code: 2 if nothing can be stored, else as of `do_jobs`.
    """
    path = file.path(directory)
    if path.is_dir():
        say(f"error: {path} must be a file, and is a directory", program)
        return ExitCode.CANNOT_RUN

    def take(index: int, rows: Any) -> str:
        file.add(directory, rows)
        return ""

    code = do_jobs(program, work, jobs, take, workers)
    print(f"{len(file.load(directory))} rows: {path}")
    return code


def do_jobs(
    program: str, work: Work, jobs: Jobs, take: Callable[[int, Any], str], workers: int
) -> int:
    """Do jobs in workers, and tell each job's end in a line.

    Args:
        jobs: each with a `name` for its line.
        take: called with a job's index and result; returns what its line says besides its name.

    Returns:
        The exit code: 0 if all is done, 1 if a job failed, 2 if there can be no workers, 130 or 143
        after an interrupt.
    """
    ends: list[str] = []

    def notify(index: int, kind: str, value: Any) -> None:
        if kind not in ENDS:
            return
        ends.append(kind)
        told = take(index, value) if kind == "done" else f": error: {value}"
        say(f"{len(ends)} of {len(jobs)}: {jobs[index]['name']}{told}", program)

    interrupt = Interrupt()
    assignment = Assignment(
        work=work,
        jobs=jobs,
        notify=notify,
        interrupt=interrupt,
        workers=useful_workers(workers, len(jobs)),
        stopping=partial(say, "stopping; the same command continues", program),
    )
    try:
        with interrupt:
            run_in_workers(assignment)
    except CannotRun as refusal:
        say(f"error: {refusal}", program)
        return ExitCode.CANNOT_RUN
    if interrupt.exit_code is not None:
        return interrupt.exit_code
    return ExitCode.DONE if ends.count("done") == len(jobs) else ExitCode.NOT_ALL
