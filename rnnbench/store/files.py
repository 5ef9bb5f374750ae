"""Read and write the files of a results directory, which may come from elsewhere."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from rnnbench.console import message_of, warn
from rnnbench.store.rules import Rules, check_fields

MOST = 2**30  # bytes of a file, also unpacked; the records of 100,000 runs are less
# The folders of a results directory, and of the tuning in it, that the suite writes in.
FOLDERS = ("runs", "checkpoints", "progress", "claims", "diagnosis", "report", "cluster", "wandb")
TUNING = "tuning"


class LeadsOut(OSError):
    """A symbolic link below a directory leads out of it; the text is one line."""


def check_links(directory: Path | str) -> None:
    """Check that no folder that is written in is a link that leads out of a results directory.

    A link in place of a file is no danger: files are replaced and removed, and neither follows it.
    The directory itself may be a link.

    Raises:
        LeadsOut: one does.
    """
    for place in (Path(directory), Path(directory, TUNING)):
        for path in (place, *(place / name for name in FOLDERS)):
            check_inside(path, directory)


def check_inside(path: Path | str, directory: Path | str) -> None:
    """Check that a path, followed through all links, leads to a place within a directory.

    Raises:
        LeadsOut: it does not.
    """
    root, target = os.path.realpath(directory), os.path.realpath(path)
    if os.path.commonpath([root, target]) != root:
        raise LeadsOut(f"{path} must not lead out of {directory}, got a link to {target}")


def read_file(path: Path | str, most: int | None = MOST) -> bytes:
    """Return the bytes of a file; arguments and errors as in `open_file`."""
    with open_file(path, most) as file:
        return file.read()


def open_file(path: Path | str, most: int | None = MOST) -> BinaryIO:
    """Open a file of so many bytes at most to read them; `most` is None for any number.

    Raises:
        OSError: it cannot be read, is no regular file (a pipe or a device may never end), or is
            larger than any that is written here.
    """
    # A pipe is opened without waiting for somebody to write to it. The caller closes what it gets.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    found = os.fstat(file.fileno())
    problem = None if stat.S_ISREG(found.st_mode) else "is no regular file"
    if not problem and most is not None and found.st_size > most:
        problem = f"has more than {most} bytes"
    if problem:
        file.close()
        raise OSError(f"{path} {problem}")
    return file


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON, or is nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def read_object(
    path: Path | str, needed: Rules, what: str, optional: Rules | None = None
) -> dict[str, Any]:
    """Return the object of a JSON file, its fields checked.

    Raises:
        OSError, ValueError: it cannot be read, or is not of the right form.
    """
    found: dict[str, Any] = parse_json(read_file(path))
    check_fields(found, needed, optional or {}, what)
    return found


def read_json(path: Path | str, needed: Rules, what: str) -> dict[str, Any] | None:
    """Return the object of a JSON file, its fields checked; None where there is no file.

    One that is not of the right form is named in a warning, and None as well.
    """
    try:
        return read_object(path, needed, what)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        warn(f"{path} is passed over: {message_of(error)}")
        return None


def name_file(error: OSError, path: Path) -> None:
    """Have an error of the system tell its file; `open_file`'s own tell it in their text."""
    if error.errno is not None:
        error.filename = str(path)


def read_table(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column; none where it is empty.

    Raises:
        OSError, ValueError: it cannot be read, or lacks some of the columns, or a row does.
    """
    reader = csv.DictReader(io.StringIO(read_file(path).decode(), newline=""))
    try:
        rows = list(reader)
    except csv.Error as error:
        raise ValueError(message_of(error)) from error
    missing = set(columns) - set(reader.fieldnames or ())
    if missing and (rows or reader.fieldnames):
        raise ValueError(f"it must have the columns {', '.join(sorted(missing))}")
    if any(row[name] is None for row in rows for name in columns):
        raise ValueError("each row must have a value in every column")
    return rows


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


def private_directory(name: str) -> Path | None:
    """Return a directory of the cache that belongs to the user and no one else can write to.

    It lies in RNNBENCH_CACHE, or in rnnbench's part of the user's cache directory. None where it is
    someone else's, or open to others, or cannot be made, or where the user has no home.
    """
    with suppress(OSError, RuntimeError):
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        directory = Path(os.environ.get("RNNBENCH_CACHE") or Path(home) / "rnnbench") / name
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        if is_private(directory) and os.access(directory, os.W_OK | os.X_OK):
            return directory
    return None


def is_private(path: Path) -> bool:
    """Return whether a file or directory is the user's, no link, and nobody else's to write."""
    found = path.lstat()
    foreign = found.st_uid != os.getuid() or stat.S_ISLNK(found.st_mode)
    return not foreign and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
