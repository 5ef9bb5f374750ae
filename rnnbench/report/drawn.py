"""Tell whether a directory's report is up to date, without drawing it and without reading results.

When a report is drawn, a note of all files is left in the user's own cache, for results may be
anybody's: a page that came along with somebody's results is none that was drawn here.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from rnnbench.store.files import private_directory, read_file, write_atomically
from rnnbench.store.records import CONSOLIDATED

FILES = ["runs/*.json", *CONSOLIDATED, "diagnosis/*.json", "diagnosis.jsonl"]
FILES += ["transfer.csv", "guesses.csv", "report/*"]


def is_drawn(directory: Path, baseline: str) -> bool:
    """Return whether a directory's report is as it was last drawn here, of the same results."""
    note = _note(directory)
    try:
        return note is not None and read_file(note).decode() == _state(directory, baseline)
    except (OSError, ValueError):
        return False


def note_drawn(directory: Path, baseline: str) -> None:
    """Note that a directory's report has just been drawn; where that fails it is drawn again."""
    note = _note(directory)
    try:
        if note is not None:
            write_atomically(note, _state(directory, baseline).encode())
    except OSError:
        return


def _note(directory: Path) -> Path | None:
    place = private_directory("reports")
    name = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:32]
    return None if place is None else place / name


def _state(directory: Path, baseline: str) -> str:
    """Return a hash of the names, sizes and times of all results and of what lies in `report/`."""
    total = hashlib.sha256(baseline.encode())
    for pattern in FILES:
        for path in sorted(directory.glob(pattern)):
            found = path.stat()
            # The time of change is set by the system, that of writing by whoever writes the file.
            line = f"{path.relative_to(directory)}\0{found.st_size}\0{found.st_ctime_ns}\n"
            total.update(line.encode(errors="surrogateescape"))
    return total.hexdigest()
