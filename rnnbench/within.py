"""A directory that may come from elsewhere: nothing in it leads out of it, or never ends."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

MOST = 2**30  # bytes of a file; the records of 100,000 runs are less


def check_links(directory: Path | str) -> None:
    """Check that no symbolic link below a directory leads out of it.

    Whoever writes, removes or copies there would else do so elsewhere. The directory itself may
    be a link.

    Raises:
        ValueError: one does; the text is one line.
    """
    root = os.path.realpath(directory)
    for link in _links(root):
        target = os.path.realpath(link)
        if os.path.commonpath([root, target]) != root:
            raise ValueError(f"{link} must not lead out of {directory}, got a link to {target}")


def _links(place: str) -> Iterator[str]:
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                yield from _links(entry.path)


def read_file(path: Path | str) -> bytes:
    """Return what a file holds.

    Raises:
        OSError: it cannot be read, is no regular file (a pipe or a device may never end), or is
            larger than any that is written here.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path} is no regular file")
        if found.st_size > MOST:
            raise OSError(f"{path} has more than {MOST} bytes")
        return file.read()
