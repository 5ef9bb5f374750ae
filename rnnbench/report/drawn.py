"""Which report is up to date: by a note in the user's own cache, for results may be anybody's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from rnnbench.cache import private_directory
from rnnbench.records import write_atomically
from rnnbench.within import read_file

RESULTS = (
    *("runs/*.json", "records.jsonl", "diagnosis/*.json", "diagnosis.jsonl"),
    *("transfer.csv", "guesses.csv"),
)


def is_drawn(directory: Path) -> bool:
    """Return whether a directory's report is as it was last drawn here, of the same results.

    A page that came along with somebody's results is none that was drawn here, whatever its date.
    """
    note = _note(directory)
    try:
        return note is not None and read_file(note).decode() == _state(directory)
    except (OSError, ValueError):
        return False


def note_drawn(directory: Path) -> None:
    """Note that a directory's report has just been drawn; where that fails it is drawn again."""
    note = _note(directory)
    try:
        if note is not None:
            write_atomically(note, _state(directory).encode())
    except OSError:
        return


def _note(directory: Path) -> Path | None:
    place = private_directory("reports")
    name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:32]
    return None if place is None else place / name


def _state(directory: Path) -> str:
    """Return a hash of all results and of the report; other files in its directory count, too."""
    total = hashlib.sha256()
    for path in _files(directory):
        content = hashlib.sha256(read_file(path)).hexdigest()
        total.update(f"{path.relative_to(directory)}\0{content}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _files(directory: Path) -> Iterator[Path]:
    for pattern in (*RESULTS, "report/*"):
        yield from sorted(directory.glob(pattern))
