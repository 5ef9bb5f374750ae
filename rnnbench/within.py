"""A directory that may come from elsewhere: nothing in it leads out of it, or never ends."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST = 2**30  # bytes of a file; the records of 100,000 runs are less
# Where the suite writes and removes below a results directory.
OWN = ("runs", "checkpoints", "progress", "claims", "diagnosis", "report", "tuning", "cluster")
MIRROR = "wandb"  # what lies in there is W&B's to link


class LeadsOut(OSError):
    """A symbolic link below a directory leads out of it; the text is one line."""


def check_links(directory: Path | str) -> None:
    """Check that no symbolic link leads out of a results directory where the suite writes in it.

    Whoever writes or removes there would else do so elsewhere. The directory itself may be a link.

    Raises:
        LeadsOut: one does.
        OSError: a directory cannot be read.
    """
    for name in (*OWN, MIRROR):
        path = os.path.join(directory, name)
        check_inside(path, directory)
        for link in _links(path) if name != MIRROR and os.path.isdir(path) else ():
            check_inside(link, directory)


def check_inside(path: Path | str, directory: Path | str) -> None:
    """Check that a path, followed through all links, leads to a place within a directory.

    Raises:
        LeadsOut: it does not.
    """
    root, target = os.path.realpath(directory), os.path.realpath(path)
    if os.path.commonpath([root, target]) != root:
        raise LeadsOut(f"{path} must not lead out of {directory}, got a link to {target}")


def _links(place: str) -> Iterator[str]:
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                yield from _links(entry.path)


def read_file(path: Path | str, most: int | None = MOST) -> bytes:
    """Return what a file holds; arguments and errors as in `open_file`."""
    with open_file(path, most) as file:
        return file.read()


def open_file(path: Path | str, most: int | None = MOST) -> BinaryIO:
    """Open a file to read bytes.

    Args:
        path: of the file.
        most: bytes that it may have; None for any number.

    Raises:
        OSError: it cannot be read, is no regular file (a pipe or a device may never end), or is
            larger than any that is written here.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115, the caller's to close
    found = os.fstat(file.fileno())
    problem = None if stat.S_ISREG(found.st_mode) else "is no regular file"
    if not problem and most is not None and found.st_size > most:
        problem = f"has more than {most} bytes"
    if problem:
        file.close()
        raise OSError(f"{path} {problem}")
    return file


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to as well."""
    return os.open(path, flags | os.O_NONBLOCK)
