"""Jobs whose results are rows of one file: done in workers, stored as they come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rnnbench.launcher.backends import pool
from rnnbench.launcher.backends.local import run_in_workers
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import cores
from rnnbench.store.tables import RowFile

CANNOT_STORE = 2


def tabulate(
    program: str,
    work: pool.Work,
    jobs: Sequence[dict[str, Any]],
    file: RowFile,
    directory: Path,
    workers: int,
) -> int:
    """Do what is left to do, tell each job's end in a line, and how many rows there are now.

    Args:
        program: name of the command, for its lines.
        work: takes a job and returns its rows; those that it has when it is to stop, too.
        jobs: each with a `name` for its line.
        file: where the rows go.
        directory: of the file.
        workers: processes; 0 for one per core.

    Returns:
        The exit code: 0 if all is done, 1 if a job failed, 2 if nothing can be stored, 130
        or 143 after an interrupt.
    """
    path = file.path(directory)
    if path.is_dir():
        print(f"{program}: error: {path} must be a file, and is a directory", file=sys.stderr)
        return CANNOT_STORE

    def take(index: int, rows: Any) -> str:
        file.add(directory, rows)
        return ""

    code = do_jobs(program, work, jobs, take, workers)
    print(f"{len(file.load(directory))} rows: {path}")
    return code


def do_jobs(
    program: str,
    work: pool.Work,
    jobs: Sequence[dict[str, Any]],
    take: Callable[[int, Any], str],
    workers: int,
) -> int:
    """Do jobs in workers, and tell each job's end in a line.

    Args:
        program: name of the command, for its lines.
        work: takes a job and returns its result.
        jobs: each with a `name` for its line.
        take: called with a job's index and result; returns what its line says besides its name.
        workers: processes; 0 for one per core.

    Returns:
        The exit code: 0 if all is done, 1 if a job failed, 130 or 143 after an interrupt.
    """
    say = partial(print, f"{program}:", file=sys.stderr, flush=True)
    ends: list[str] = []

    def notify(index: int, kind: str, value: Any) -> None:
        if kind not in pool.ENDS:
            return
        ends.append(kind)
        told = take(index, value) if kind == "done" else f": error: {value}"
        say(f"{len(ends)} of {len(jobs)}: {jobs[index]['name']}{told}")

    interrupt = Interrupt()
    with interrupt:
        run_in_workers(
            work,
            jobs,
            notify,
            interrupt,
            workers=max(1, min(workers or cores(), len(jobs))),
            stopping=partial(say, "stopping; the same command continues"),
        )
    if interrupt.exit_code is not None:
        return interrupt.exit_code
    return 0 if ends.count("done") == len(jobs) else 1
