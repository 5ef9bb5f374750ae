"""Store the records of runs, one file each with the final weights beside it, and read them."""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from rnnbench.console import warn
from rnnbench.store import files, seals
from rnnbench.store.lines import read_lines
from rnnbench.store.rules import shown
from rnnbench.store.schema import check_record

Record = dict[str, Any]
FORMAT = 2
FIRST_SEEDS = 3  # of a rate in tuning, where its record is too early to tell
UNSEALED = 1  # the format before records and weights were sealed
# What two records of one training have alike, whatever machine and sweep they come from.
RESULTS = ("status", "steps", "steps_to_solve", "loss", "accuracy", "score")
CONSOLIDATED = ("records.jsonl", "records.jsonl.gz")  # one record a line
WIDEST, HEADER = 8, 2**24  # bytes of a parameter, and of all else in their file, at most


class NewerRecord(ValueError):
    """A record was written by a later version: it is whole, and is not to be written over."""


def encode(record: Record) -> str:
    """Return a record as one line of standard JSON, sealed; NaN and infinity become null."""
    text = json.dumps(_without_nan(record), separators=(",", ":"), allow_nan=False)
    return text if record["format"] == UNSEALED else seals.seal_line(text)


def decode(text: str | bytes) -> Record:
    """Return the record in a line of JSON.

    Raises:
        NewerRecord: it has a format that is not known yet.
        ValueError: the text is not a record, or not as it was written.
    """
    record: Record = files.parse_json(text)
    found = record.get("format") if isinstance(record, dict) else None
    if type(found) is int and found > FORMAT:
        raise NewerRecord(
            f"it has format {found}, newer than {FORMAT}: upgrade rnnbench to read it"
        )
    if type(found) is not int or found < UNSEALED:
        raise ValueError(f"a record must have format {UNSEALED} or {FORMAT}")
    if found != UNSEALED:
        seals.check_line(text.decode() if isinstance(text, bytes) else text)
        del record[seals.KEY]
    check_record(record)
    return record


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def is_finished(record: Mapping[str, Any]) -> bool:
    """Return whether a run has a result and needs no more training; a failed one runs again."""
    return bool(record["status"] != "failed")


def trained_as(record: Record) -> str:
    """Return the id of the run that was trained: a record's own, or that of its same training."""
    return str(record.get("same_as") or record["run_id"])


def choice_rank(record: Record) -> tuple[int, str]:
    """Return what the latest choice of a tuned condition's rate has most of: seeds that it is of.

    Grids only ever grow. Of equal ones the later counts.
    """
    seeds = sum(entry.get("seeds", FIRST_SEEDS) for entry in record["tuning"]["grid"])
    return seeds, (record.get("environment") or {}).get("started") or ""


def current_runs(records: Iterable[Record]) -> list[Record]:
    """Return those of a condition's runs that are at the rate of the latest choice of tuning."""
    runs = list(records)
    chosen = max((run for run in runs if run.get("tuning")), key=choice_rank, default=None)
    return runs if chosen is None else [run for run in runs if run["lr"] == chosen["lr"]]


class Store:
    """Reads the records of one output directory; writes them, and final parameters, in `runs/`."""

    def __init__(self, output_dir: Path | str) -> None:
        self.output_dir = Path(output_dir)
        self.directory = self.output_dir / "runs"

    def runs(self, *, strict: bool = False) -> dict[str, Record]:
        """Return all records by run id; arguments as in `read_records`."""
        return {r["run_id"]: r for r in read_records(self.output_dir, strict=strict)}

    def read(self, run_id: str, *, strict: bool = False) -> Record | None:
        """Return one record, or None where there is none; arguments as in `read_records`."""
        return self.find([run_id], strict=strict).get(run_id)

    def find(self, run_ids: Iterable[str], *, strict: bool = False) -> dict[str, Record]:
        """Return those of some runs that are stored, by run id; arguments as in `read_records`."""
        asked = list(run_ids)
        paths = [self.directory / f"{run_id}.json" for run_id in asked]
        files_of_runs = _read_files([path for path in paths if path.exists()], strict)
        # Of thousands of lines only those that have one of the ids are taken apart.
        wanted = re.compile("|".join(map(re.escape, asked)).encode())
        lines = _read_consolidated(self.output_dir, strict, wanted) if asked else ()
        found = _count_once(chain(files_of_runs, lines))
        return {r["run_id"]: r for r in found if r["run_id"] in asked}

    def trained(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Return the statuses, by run id, of those runs that are finished and not damaged.

        Raises:
            OSError, NewerRecord: a record cannot be read, which is no reason to train it again.
        """
        records = self.find(run_ids, strict=True).values()
        done = [r for r in records if is_finished(r) and not self.has_damaged_weights(r)]
        return {record["run_id"]: record["status"] for record in done}

    def has_damaged_weights(self, record: Record) -> bool:
        """Return whether a run's weights are damaged, or another run's; if so, name them."""
        try:
            self.read_parameters(record)
        except FileNotFoundError:
            return False  # weights may be left out where results are copied
        except ValueError as error:
            warn(f"{self.parameters(trained_as(record))} is passed over: {error}")
            return True
        return False

    def read_parameters(self, record: Record) -> bytes:
        """Return a run's final parameters as they were written: a safetensors file.

        Raises:
            FileNotFoundError: there are none.
            OSError: they cannot be read, or are more than the record tells.
            ValueError: they are damaged, or another run's. Earlier files do not tell whose.
        """
        run_id = trained_as(record)
        most = WIDEST * record["num_parameters"] + HEADER
        content = files.read_file(self.parameters(run_id), most)
        owner = seals.check_tensors(content).get("run_id", run_id)
        if owner != run_id:
            raise ValueError(f"it belongs to another run, {shown(owner)}")
        return content

    def parameters(self, run_id: str) -> Path:
        return self.directory / f"{run_id}.safetensors"

    def remove(self, run_id: str) -> None:
        """Remove a run: its record first, so that a record is never without its parameters."""
        (self.directory / f"{run_id}.json").unlink(missing_ok=True)
        self.parameters(run_id).unlink(missing_ok=True)

    def write(self, record: Record, parameters: bytes | None = None) -> None:
        """Store a record, its final parameters first, so that a record is never without them."""
        if parameters is not None:
            files.write_atomically(self.parameters(record["run_id"]), parameters)
        path = self.directory / f"{record['run_id']}.json"
        files.write_atomically(path, encode(record).encode() + b"\n")


def read_records(*paths: Path | str, strict: bool = False) -> Iterator[Record]:
    """Yield each run of some places once, the failed ones last: they give way to finished ones.

    What is no record is named and passed over, and so is a finished one with other results than one
    that was read before. What lies in `runs/` counts before `records.jsonl`, and that before
    `records.jsonl.gz`.

    Args:
        paths: directories with `runs/*.json`, `records.jsonl` (one record a line) or
            `records.jsonl.gz`, or such files of lines.
        strict: a file that the system fails to read, or a record that only a later version can, is
            not passed over.

    Raises:
        FileNotFoundError: there is nothing at a path.
        OSError: a file cannot be read, and `strict` is set.
        NewerRecord: a record is a later version's, and `strict` is set.
    """
    return _count_once(chain.from_iterable(_read_place(Path(path), strict) for path in paths))


def _count_once(found: Iterable[tuple[str, Record]]) -> Iterator[Record]:
    """Yield each run once, of records and where they lie, as `read_records` does."""
    counted: dict[str, list[Any]] = {}
    failed: dict[str, Record] = {}
    for place, record in found:
        run_id, results = record["run_id"], [record[name] for name in RESULTS]
        if not is_finished(record):
            failed.setdefault(run_id, record)
        elif run_id not in counted:
            counted[run_id] = results
            yield record
        elif counted[run_id] != results:
            other = f"run {run_id} is told otherwise elsewhere, by what was read before and counts"
            warn(f"{place} is passed over: {other}")
    yield from (record for run_id, record in failed.items() if run_id not in counted)


def consolidate(paths: Iterable[Path | str], destination: Path, *, packed: bool = False) -> int:
    """Write the records of several places into one `records.jsonl`; return how many.

    Args:
        packed: into a `records.jsonl.gz`. Whichever is written, the other one goes.
    """
    lines = [encode(record) for record in read_records(*paths)]
    content = "".join(f"{line}\n" for line in lines).encode()
    name, other = CONSOLIDATED[::-1] if packed else CONSOLIDATED
    # Without a time of packing the same records are the same file.
    files.write_atomically(
        destination / name, gzip.compress(content, mtime=0) if packed else content
    )
    (destination / other).unlink(missing_ok=True)
    return len(lines)


def _read_place(path: Path, strict: bool) -> Iterator[tuple[str, Record]]:
    """Yield where each record of a place lies, and the record."""
    if not path.exists():
        raise FileNotFoundError(f"no results at {path}")
    if path.is_file():
        yield from _read_lines(path, strict)
    else:
        yield from _read_files(sorted((path / "runs").glob("*.json")), strict)
        yield from _read_consolidated(path, strict)


def _read_consolidated(
    output_dir: Path, strict: bool, wanted: re.Pattern[bytes] | None = None
) -> Iterator[tuple[str, Record]]:
    paths = [path for name in CONSOLIDATED if (path := output_dir / name).exists()]
    return chain.from_iterable(_read_lines(path, strict, wanted) for path in paths)


def _read_lines(
    path: Path, strict: bool, wanted: re.Pattern[bytes] | None = None
) -> Iterator[tuple[str, Record]]:
    def decode_wanted(line: bytes) -> Record | NewerRecord | None:
        if wanted is not None and not wanted.search(line):
            return None
        try:
            return decode(line)
        except NewerRecord as error:
            if not strict:
                raise
            return error

    for place, found in read_lines(path, decode_wanted, strict=strict):
        if isinstance(found, NewerRecord):
            raise NewerRecord(f"{place} cannot be read: {found}") from found
        if found is not None:
            yield place, found


def _read_files(paths: Iterable[Path], strict: bool) -> Iterator[tuple[str, Record]]:
    for path in paths:
        try:
            record = decode(files.read_file(path))
            if record["run_id"] != path.stem:
                raise ValueError("the record belongs to another run")
        except (OSError, ValueError) as error:
            if strict and isinstance(error, OSError):
                files.name_file(error, path)
                raise
            if strict and isinstance(error, NewerRecord):
                raise NewerRecord(f"{path} cannot be read: {error}") from error
            warn(f"{path} is passed over: {error}")
        else:
            yield str(path), record


def stored_records(output_dir: Path) -> Mapping[str, Record]:
    """Return the records in a directory, by run id; none where there is no directory.

    Raises:
        OSError: one is there and cannot be read, which is no reason to train it again.
    """
    return Store(output_dir).runs(strict=True) if output_dir.exists() else {}


class NothingToDo(ValueError):
    """There is nothing stored that could be measured; the text is one line."""


def select_records(records: list[Record], key: str, values: Sequence[Any] | None) -> list[Record]:
    """Return the records whose task, cell or gap (the key) is among the values; all where None.

    Raises:
        NothingToDo: no record has such a value.
    """
    known = sorted({record[key] for record in records})
    for value in values or ():
        if value not in known:
            raise NothingToDo(f"{key} must be one of {', '.join(map(str, known))}, got {value}")
    return [record for record in records if values is None or record[key] in values]
