"""rnnbench's part of the user's cache: directories and files that are the user's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def private_directory(name: str) -> Path | None:
    """Return a directory of the cache that belongs to the user and no one else can write to.

    It lies in RNNBENCH_CACHE, or in rnnbench's part of the user's cache directory.

    Returns:
        None where it is someone else's, or open to others, or cannot be made.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(os.environ.get("RNNBENCH_CACHE") or Path(home) / "rnnbench") / name
    try:
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        if is_private(directory) and os.access(directory, os.W_OK | os.X_OK):
            return directory
    except OSError:
        pass
    return None


def is_private(path: Path) -> bool:
    """Return whether a file or directory is the user's, no link, and nobody else's to write."""
    found = path.lstat()
    foreign = found.st_uid != os.getuid() or stat.S_ISLNK(found.st_mode)
    return not foreign and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
