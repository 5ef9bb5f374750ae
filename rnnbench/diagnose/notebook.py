"""Diagnose stored runs from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnbench.console import printable
from rnnbench.diagnose.__main__ import LEAST_SEQUENCES, SEQUENCES, diagnose, select_runs
from rnnbench.experiment.class_path import handing
from rnnbench.experiment.condition import condition_of
from rnnbench.store.diagnoses import Diagnoses, load_diagnosis
from rnnbench.store.files import check_links
from rnnbench.store.records import Record
from rnnbench.training.borrow import borrow_process
from rnnbench.training.code import check_code
from rnnbench.training.weights import classes_for

Names = str | type | Sequence[str] | None


def diagnose_here(
    path: Path | str,
    *,
    task: Names = None,
    cell: Names = None,
    gap: int | Sequence[int] | None = None,
    seeds: int | None = None,
    sequences: int = SEQUENCES,
) -> Diagnoses:
    """Diagnose runs in this process, store what is found, and return it; one line per run.

    What is stored already is kept, as by `python -m rnnbench.diagnose`.

    Args:
        path: a results directory.
        task: a name, or several; or the class, where it was typed into a notebook.
        cell: likewise.
        gap: a gap, or several.
        seeds: the first so many seeds of each curve.
        sequences: fresh sequences to measure on, at least 64.

    Returns:
        What `load_diagnosis` returns, of these runs.

    Raises:
        FileNotFoundError: there are no results, or none with weights.
        ValueError: a name or gap is not among them, or a class computes something else than when
            the run was trained, or there is no run that can be diagnosed; one line.
    """
    if type(sequences) is not int or sequences < LEAST_SEQUENCES:
        raise ValueError(f"sequences must be at least {LEAST_SEQUENCES}, got {sequences!r}")
    directory = Path(path)
    with borrow_process():
        check_links(directory)
        gaps = [gap] if isinstance(gap, int) else gap
        records = select_runs(directory, _names(task), _names(cell), gaps, seeds)
        kinds = {part: it for part, it in (("task", task), ("cell", cell)) if isinstance(it, type)}
        records = [record for record in records if _is_of(record, kinds)]
        classes: dict[str, type] = {}
        for record in records:
            classes |= classes_for(record, **kinds)
        with handing(classes):
            for record in records if kinds else []:
                check_code(record, condition_of(record))
            done = diagnose(directory, records, sequences)
        if not done:
            raise ValueError(printable(f"no run of {directory} could be diagnosed"))
        wanted = {record["run_id"] for record in records}
        return Diagnoses(*(it[it["run_id"].isin(wanted)] for it in load_diagnosis(directory)))


def _names(given: Names) -> list[str] | None:
    if given is None or isinstance(given, type):
        return None
    return [given] if isinstance(given, str) else list(given)


def _is_of(record: Record, kinds: dict[str, type]) -> bool:
    """Return whether a run is of classes of these names."""
    config: dict[str, Any] = record["config"]
    paths = {part: config[part]["_target_"] for part in kinds}
    return all(paths[part].rpartition(".")[2] == kind.__name__ for part, kind in kinds.items())
