"""The store: one record per replica, each a JSON file written at once or not at all."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rnnbench.record_shape import check_record

FORMAT = 1
FINISHED = ("solved", "unsolved", "diverged", "dropped")  # dropped: from a tuning's grid
Record = dict[str, Any]


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
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def encode(record: Record) -> str:
    """Return a record as one line of standard JSON; NaN and infinity become null."""
    return json.dumps(_without_nan(record), separators=(",", ":"), allow_nan=False)


def decode(text: str | bytes) -> Record:
    """Return the record in a line of JSON.

    Raises:
        ValueError: the text is not a record of a known format.
    """
    try:
        record = json.loads(text)
    except RecursionError as error:
        raise ValueError("a record must not be nested so deep") from error
    found = record.get("format") if isinstance(record, dict) else None
    if type(found) is int and found > FORMAT:
        raise ValueError(f"it has format {found}, newer than {FORMAT}: upgrade rnnbench to read it")
    if not isinstance(record, dict) or found != FORMAT:
        raise ValueError(f"a record must have format {FORMAT}")
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

    def runs(self) -> dict[str, Record]:
        """Return all records by run id; a file that cannot be read is named and passed over."""
        return {record["run_id"]: record for record in read_records(self.output_dir)}

    def read(self, run_id: str) -> Record | None:
        """Return one record, or None where there is none that can be read."""
        path = self.directory / f"{run_id}.json"
        return next(_read_files([path]), None) if path.exists() else None

    def finished(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Return the statuses, by run id, of those runs that need no more training."""
        records = filter(None, map(self.read, run_ids))
        return {r["run_id"]: r["status"] for r in records if r["status"] in FINISHED}

    def parameters(self, run_id: str) -> Path:
        return self.directory / f"{run_id}.safetensors"

    def write(self, record: Record, parameters: bytes | None = None) -> None:
        """Store a record, its final parameters first, so that a record is never without them."""
        if parameters is not None:
            write_atomically(self.parameters(record["run_id"]), parameters)
        path = self.directory / f"{record['run_id']}.json"
        write_atomically(path, encode(record).encode() + b"\n")


def read_records(path: Path | str) -> Iterator[Record]:
    """Yield the records of a directory or of a consolidated file, wherever they lie.

    Args:
        path: a directory with `runs/*.json` or `records.jsonl` (one record a line), or such a file.

    Raises:
        FileNotFoundError: there is nothing at the path.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no results at {path}")
    if path.is_file():
        yield from _read_lines(path)
        return
    if (path / "records.jsonl").exists():
        yield from _read_lines(path / "records.jsonl")
    yield from _read_files(sorted((path / "runs").glob("*.json")))


def consolidate(paths: Iterable[Path | str], destination: Path) -> int:
    """Write the records of several places into one `records.jsonl`; return how many."""
    lines = [encode(record) for path in paths for record in read_records(path)]
    write_atomically(destination / "records.jsonl", "".join(f"{s}\n" for s in lines).encode())
    return len(lines)


def _read_files(paths: Iterable[Path]) -> Iterator[Record]:
    for path in paths:
        try:
            record = decode(path.read_bytes())
            if record["run_id"] != path.stem:
                raise ValueError("the record belongs to another run")
        except (OSError, ValueError) as error:
            print(f"rnnbench: warning: {path} is passed over: {error}", file=sys.stderr)
        else:
            yield record


def _read_lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield decode(line)
            except ValueError as error:
                print(
                    f"rnnbench: warning: {path}:{number} is passed over: {error}", file=sys.stderr
                )
