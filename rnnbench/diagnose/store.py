"""Stored diagnoses: one JSON file per run, or all of a place in one file for publishing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from rnnbench.diagnose.shape import check_diagnosis
from rnnbench.errors import warn
from rnnbench.records import Record, encode, write_atomically
from rnnbench.within import read_file

# Raised whenever what is measured, or a rule of a label, changes: older ones are measured anew.
FORMAT = 1
FILE = "diagnosis.jsonl"


def path_of(output_dir: Path, run_id: str) -> Path:
    """Return where the diagnosis of a run lies."""
    return output_dir / "diagnosis" / f"{run_id}.json"


def write_diagnosis(output_dir: Path, diagnosis: Record) -> None:
    """Store the diagnosis of one run."""
    content = encode(diagnosis).encode() + b"\n"
    write_atomically(path_of(output_dir, diagnosis["run_id"]), content)


def read_diagnosis(output_dir: Path, run_id: str) -> Record | None:
    """Return the stored diagnosis of one run, or None where there is none that can be read."""
    path = path_of(output_dir, run_id)
    return next(_read([path]), None) if path.exists() else None


def read_diagnoses(path: Path | str) -> Iterator[Record]:
    """Yield the diagnoses of a results directory, published or not; none where it has none.

    What cannot be read is named and passed over.

    Args:
        path: a results directory, or a file in one.
    """
    place = Path(path)
    place = place.parent if place.is_file() else place
    yield from _read([*_existing(place / FILE), *sorted((place / "diagnosis").glob("*.json"))])


def consolidate_diagnoses(source: Path, destination: Path) -> int:
    """Write a directory's diagnoses as one `diagnosis.jsonl`, if it has any; return how many."""
    lines = [f"{encode(diagnosis)}\n" for diagnosis in read_diagnoses(source)]
    if lines:
        write_atomically(destination / FILE, "".join(lines).encode())
    return len(lines)


def _existing(path: Path) -> list[Path]:
    return [path] if path.exists() else []


def _read(paths: Iterable[Path]) -> Iterator[Record]:
    for path in paths:
        try:
            lines = read_file(path).splitlines()
        except OSError as error:
            warn(f"{path} is passed over: {error}")
            continue
        for number, line in enumerate(lines, 1):
            try:
                yield _decode(line)
            except ValueError as error:
                warn(f"{path}:{number} is passed over: {error}")


def _decode(line: bytes) -> Record:
    try:
        diagnosis = json.loads(line)
    except RecursionError as error:
        raise ValueError("a diagnosis must not be nested so deep") from error
    if not isinstance(diagnosis, dict) or diagnosis.get("format") != FORMAT:
        raise ValueError(f"a diagnosis must have format {FORMAT}")
    check_diagnosis(diagnosis)
    return diagnosis
