"""The store: one record per replica, each a JSON file written at once or not at all."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rnnbench.errors import warn
from rnnbench.record_shape import check_record
from rnnbench.repeats import each_once
from rnnbench.rules import shown
from rnnbench.seal import KEY, check_line, check_tensors, seal_line
from rnnbench.within import open_file, read_file

FORMAT = 2
UNSEALED = 1  # the format before records and weights were sealed
FINISHED = ("solved", "unsolved", "diverged", "dropped")  # dropped: from a tuning's grid
WIDEST, HEADER = 8, 2**24  # bytes of a parameter, and of all else in their file, at most
Record = dict[str, Any]


class NewerRecord(ValueError):
    """A record was written by a later version: it is whole, and is not to be written over."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, a crash or a full disk never sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)  # and not the draft's name, or none
        raise


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
    `rnnbench.repeats`; what lies in `runs/` is read before `records.jsonl`.

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
    return each_once(found for path in paths for found in _read_place(Path(path), strict))


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
