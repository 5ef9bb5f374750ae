"""Which searches the stored results ask for, and which of them are still to be done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnbench.condition import Condition, arguments_of, digest
from rnnbench.engine import check_engine
from rnnbench.guess.search import VERSION, sizes_of
from rnnbench.guess.table import GUESSES
from rnnbench.records import read_records
from rnnbench.selection import NothingToDo, chosen
from rnnbench.stored_condition import condition_of

Job = dict[str, Any]
STARTS = ("init", "keep_bias")  # of a cell: a guess draws everything anew


def make_plan(
    directory: Path, guesses: int, tasks: Sequence[str] | None, cells: Sequence[str] | None
) -> tuple[list[Job], list[str]]:
    """Return what `rnnbench.guess.search.search` is to do, and lines on what to know of it.

    Conditions that differ in nothing but their training, or in how the cell starts, are one.

    Args:
        directory: of the results; it may be a published one, without weights.
        guesses: for each search.
        tasks: names of those that count; all where None.
        cells: likewise.

    Raises:
        FileNotFoundError: there are no results.
        NothingToDo: there are no runs, or a name is unknown.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"no results directory at {directory}")
    records = list(read_records(directory))
    if not records:
        raise NothingToDo(f"no runs in {directory}")
    done = set(GUESSES.load(directory)["search_id"])
    jobs: dict[str, Job] = {}
    lines: dict[str, None] = {}
    for record in chosen(chosen(records, "task", tasks), "cell", cells):
        try:
            condition = condition_of(record)
        except ValueError as error:
            lines[f"{record['run_id']} is left out: {error}"] = None
            continue
        identity = search_id(condition, guesses)
        if identity not in done and identity not in jobs:
            engine, line = _engine(condition)
            lines |= {line: None} if line else {}
            jobs[identity] = _job(identity, condition, guesses, engine)
    ordered = sorted(jobs.values(), key=lambda job: -job["condition"].task["gap"])
    return ordered, list(lines)


def search_id(condition: Condition, guesses: int) -> str:
    """Return the hash of all that can change what guessing finds for a condition."""
    cell = {key: value for key, value in condition.cell.items() if key not in STARTS}
    versions = {key: condition.versions[key] for key in ("task", "cell", "model")}
    return digest(
        {
            **{"task": arguments_of(condition.task), "cell": cell, "model": dict(condition.model)},
            **{"kind": condition.task["_target_"], "sizes": sizes_of(_size(condition))},
            **{"eval_size": condition.trainer["eval_size"], "dtype": condition.dtype},
            **{"guesses": guesses, "versions": versions, "search": VERSION},
        }
    )


def _size(condition: Condition) -> int:
    size: int = condition.model["hidden_size"]
    return size


def _job(identity: str, condition: Condition, guesses: int, engine: str) -> Job:
    task, cell = condition.task, condition.cell
    name = f"{task['name']} gap {task['gap']} {cell['name']}: {guesses} guesses"
    return {
        **{"name": name, "search_id": identity, "condition": condition},
        **{"guesses": guesses, "engine": engine},
    }


def _engine(condition: Condition) -> tuple[str, str]:
    """Return the compiled engine, or else the reference and why."""
    try:
        check_engine("compiled", condition.build_cell(), "cpu")
    except ValueError as error:
        return "reference", f"{condition.cell['name']} runs on the reference engine: {error}"
    return "compiled", ""
