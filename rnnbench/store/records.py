"""Runs that are told more than once, as after results were copied together: each counts once.

One rule for all that reads records: a failed record gives way to a finished one; else the one that
is read first counts. A run is known by its id, and by its condition, seed and learning rate.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnbench.console import warn
from rnnbench.store.files import (
    KEY,
    check_line,
    check_tensors,
    open_file,
    read_file,
    seal_line,
    write_atomically,
)
from rnnbench.store.rules import shown
from rnnbench.store.schema import check_record

Record = dict[str, Any]
Replica = tuple[str, int, float]  # of a condition
# Circumstances, that may differ between two records of one training or of one that was repeated;
# the settings, whose hash is the condition's id; and the history, of which the numbers are taken.
LEFT_OUT = frozenset(
    ("format", "seconds", "sequences_per_second", "environment", "command", "sweep", "version")
    + ("config", "history")
)


def without_repeats(records: Iterable[tuple[str, Record]]) -> Iterator[Record]:
    """Yield each run once, the failed ones last.

    A record that repeats another but for its circumstances is passed over without a word, as is a
    failed one beside a finished one; any other is named.

    Args:
        records: where each lies, in words, and the record.
    """
    counted = _Counted()
    failed = []
    for place, record in records:
        if record["status"] == "failed":
            failed.append((place, record))
        elif counted.add(place, record):
            yield record
    # Whatever they tell is little, so they can wait for what others make of them.
    yield from (record for place, record in failed if counted.add(place, record))


class _Counted:
    """The runs that count so far."""

    def __init__(self) -> None:
        self.run_ids: dict[Replica, str] = {}
        self.contents: dict[str, int] = {}  # hashes by run id

    def add(self, place: str, record: Record) -> bool:
        """Return whether a record is the first of its run; one that says otherwise is named."""
        run_id = record["run_id"]
        replica = (sys.intern(record["condition_id"]), record["seed"], record["lr"])
        if run_id not in self.contents and replica not in self.run_ids:
            self.contents[run_id], self.run_ids[replica] = _content(record), run_id
            return True
        reason = self._reason(record, replica)
        if reason:
            warn(f"{place} is passed over: {reason}")
        return False

    def _reason(self, record: Record, replica: Replica) -> str:
        """Return why a record says otherwise than what counts of its run; empty if it does not."""
        run_id = record["run_id"]
        known = self.run_ids.get(replica, run_id)
        if known != run_id:
            return f"run {run_id} has the condition, seed and rate of {known}, which counts"
        if record["status"] == "failed" or self.contents[run_id] == _content(record):
            return ""
        return f"run {run_id} is told otherwise elsewhere, by what was read before and counts"


def _content(record: Record) -> int:
    """Return a hash of what a record tells of its run."""
    told = {name: value for name, value in record.items() if name not in LEFT_OUT}
    numbers = tuple(value for row in record["history"] for value in row.values())
    return hash((repr(sorted(told.items())), numbers))


FORMAT = 2
UNSEALED = 1  # the format before records and weights were sealed
FINISHED = ("solved", "unsolved", "diverged", "dropped")  # dropped: from a tuning's grid
WIDEST, HEADER = 8, 2**24  # bytes of a parameter, and of all else in their file, at most


class NewerRecord(ValueError):
    """A record was written by a later version: it is whole, and is not to be written over."""


def encode(record: Record) -> str:
    """Return a record as one line of standard JSON, sealed; NaN and infinity become null."""
    text = json.dumps(_without_nan(record), separators=(",", ":"), allow_nan=False)
    return text if record["format"] == UNSEALED else seal_line(text)


def decode(text: str | bytes) -> Record:
    """Return the record in a line of JSON.

    Raises:
        NewerRecord: it has a format that is not known yet.
        ValueError: the text is not a record, or not as it was written.
    """
    try:
        record: Record = json.loads(text)
    except RecursionError as error:
        raise ValueError("a record must not be nested so deep") from error
    found = record.get("format") if isinstance(record, dict) else None
    if type(found) is int and found > FORMAT:
        raise NewerRecord(
            f"it has format {found}, newer than {FORMAT}: upgrade rnnbench to read it"
        )
    if type(found) is not int or found < UNSEALED:
        raise ValueError(f"a record must have format {UNSEALED} or {FORMAT}")
    if found != UNSEALED:
        check_line(text.decode() if isinstance(text, bytes) else text)
        del record[KEY]
    check_record(record)
    return record


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Store:
    """The records of one output directory, in `runs/`, final parameters beside them."""

    def __init__(self, output_dir: Path | str) -> None:
        self.output_dir = Path(output_dir)
        self.directory = self.output_dir / "runs"

    def runs(self, *, strict: bool = False) -> dict[str, Record]:
        """Return all records by run id; arguments as in `read_records`."""
        records = read_records(self.output_dir, strict=strict)
        return {record["run_id"]: record for record in records}

    def read(self, run_id: str, *, strict: bool = False) -> Record | None:
        """Return one record, or None where there is none; arguments as in `read_records`."""
        path = self.directory / f"{run_id}.json"
        found = _read_files([path], strict) if path.exists() else iter(())
        return next((record for _, record in found), None)

    def finished(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Return the statuses, by run id, of those runs that need no more training.

        Raises:
            OSError: a record is there and cannot be read, which is no reason to train it again.
            NewerRecord: likewise.
        """
        records = filter(None, (self.read(run_id, strict=True) for run_id in run_ids))
        return {r["run_id"]: r["status"] for r in records if self.is_finished(r)}

    def is_finished(self, record: Record) -> bool:
        """Return whether a run needs no more training; weights that are damaged are named."""
        if record["status"] not in FINISHED:
            return False
        try:
            self.read_parameters(record)
        except FileNotFoundError:
            return True  # weights may be left out where results are copied
        except ValueError as error:
            warn(f"{self.parameters(record['run_id'])} is passed over: {error}")
            return False
        return True

    def read_parameters(self, record: Record) -> bytes:
        """Return a run's final parameters as they were written: a safetensors file.

        Raises:
            FileNotFoundError: there are none.
            OSError: they cannot be read, or are more than the record tells.
            ValueError: they are damaged, or another run's. Earlier files do not tell whose.
        """
        run_id = record["run_id"]
        most = WIDEST * record["num_parameters"] + HEADER
        content = read_file(self.parameters(run_id), most)
        owner = check_tensors(content).get("run_id", run_id)
        if owner != run_id:
            raise ValueError(f"it belongs to another run, {shown(owner)}")
        return content

    def parameters(self, run_id: str) -> Path:
        return self.directory / f"{run_id}.safetensors"

    def write(self, record: Record, parameters: bytes | None = None) -> None:
        """Store a record, its final parameters first, so that a record is never without them."""
        if parameters is not None:
            write_atomically(self.parameters(record["run_id"]), parameters)
        path = self.directory / f"{record['run_id']}.json"
        write_atomically(path, encode(record).encode() + b"\n")


def read_records(path: Path | str, *, strict: bool = False) -> Iterator[Record]:
    """Yield the records of a directory or of a consolidated file, wherever they lie, each run once.

    What is no record is named and passed over. Of several records of a run one counts, see
    `rnnbench.store.records`; what lies in `runs/` is read before `records.jsonl`.

    Args:
        path: a directory with `runs/*.json` or `records.jsonl` (one record a line), or such a file.
        strict: a file that the system fails to read, or that only a later version can, is not
            passed over.

    Raises:
        FileNotFoundError: there is nothing at the path.
        OSError: a file cannot be read, and `strict` is set.
        NewerRecord: a file is a later version's, and `strict` is set.
    """
    yield from read_places([path], strict=strict)


def read_places(paths: Iterable[Path | str], *, strict: bool = False) -> Iterator[Record]:
    """Yield the records of several places, each run once; otherwise as `read_records`."""
    return without_repeats(found for path in paths for found in _read_place(Path(path), strict))


def consolidate(paths: Iterable[Path | str], destination: Path) -> int:
    """Write the records of several places into one `records.jsonl`; return how many."""
    lines = [encode(record) for record in read_places(paths)]
    write_atomically(destination / "records.jsonl", "".join(f"{s}\n" for s in lines).encode())
    return len(lines)


def _read_place(path: Path, strict: bool) -> Iterator[tuple[str, Record]]:
    """Yield where each record of a place lies, and the record."""
    if not path.exists():
        raise FileNotFoundError(f"no results at {path}")
    if path.is_file():
        yield from _read_lines(path, strict)
        return
    yield from _read_files(sorted((path / "runs").glob("*.json")), strict)
    if (path / "records.jsonl").exists():
        yield from _read_lines(path / "records.jsonl", strict)


def _read_files(paths: Iterable[Path], strict: bool) -> Iterator[tuple[str, Record]]:
    for path in paths:
        try:
            record = decode(read_file(path))
            if record["run_id"] != path.stem:
                raise ValueError("the record belongs to another run")
        except (OSError, ValueError) as error:
            if strict and isinstance(error, OSError):
                error.filename = str(path)
                raise
            if strict and isinstance(error, NewerRecord):
                raise NewerRecord(f"{path} cannot be read: {error}") from error
            warn(f"{path} is passed over: {error}")
        else:
            yield str(path), record


def _read_lines(path: Path, strict: bool) -> Iterator[tuple[str, Record]]:
    try:
        file = open_file(path)
    except OSError as error:
        if strict:
            error.filename = str(path)
            raise
        warn(f"{path} is passed over: {error}")
        return
    with file:
        for number, line in enumerate(file, 1):
            try:
                yield f"{path}:{number}", decode(line)
            except ValueError as error:
                warn(f"{path}:{number} is passed over: {error}")


def stored_records(output_dir: Path) -> Mapping[str, Record]:
    """Return the records in a directory, by run id; none where there is no directory.

    Raises:
        OSError: one is there and cannot be read, which is no reason to train it again.
    """
    return Store(output_dir).runs(strict=True) if output_dir.exists() else {}


def finished(records: Mapping[str, Record]) -> frozenset[str]:
    """Return the run ids that need no training; failed ones run again."""
    return frozenset(key for key, record in records.items() if record["status"] in FINISHED)


class NothingToDo(ValueError):
    """There is nothing stored that could be measured; the text is one line."""


def select_records(
    records: list[Record], key: str, values: Sequence[object] | None
) -> list[Record]:
    """Return the records whose task, cell or gap (the key) is among the values; all where None.

    Raises:
        NothingToDo: no record has such a value.
    """
    known = sorted({record[key] for record in records})
    for value in values or ():
        if value not in known:
            raise NothingToDo(f"{key} must be one of {', '.join(map(str, known))}, got {value}")
    return [record for record in records if values is None or record[key] in values]
