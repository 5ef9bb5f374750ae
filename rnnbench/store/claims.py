"""Claim a condition for one process, so that no other trains it at the same time."""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench.store import rules
from rnnbench.store.files import read_object

BEAT_SECONDS = 10.0
# Longer than a network file system may go on showing what a file was before.
STALE_SECONDS = 90.0
NAME = re.compile(r"[0-9a-f]{16}\.json")
RULES = {"host": rules.NAME, "pid": rules.whole(1)}


def own_identity() -> dict[str, Any]:
    """Return this process's host, system, number and time of start, as plain values."""
    pid = os.getpid()
    return {"host": platform.node(), "system": _system(), "pid": pid, "begun": _begun(pid)}


def is_gone(known: Mapping[str, Any]) -> bool:
    """Return whether a process is known to have ended: it was one of this machine.

    Raises:
        KeyError: too little is known of it.
    """
    return bool(known["system"] == _system() and known["begun"] != _begun(known["pid"]))


@cache
def _system() -> list[str]:
    """Return what identifies this machine, its last start and its space of process numbers."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return parts


def _begun(pid: int) -> str | None:
    """Return when a process of this machine started, or None where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "running" if _answers(pid) else None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _answers(pid: int) -> bool:
    """Return whether there is a process, where the system has no /proc to tell more."""
    if Path("/proc/self").exists():
        return False
    try:
        with suppress(PermissionError):
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Claim:
    """Holds a condition for this process from entering to leaving; made by `take`.

    Attributes:
        lost: somebody has taken the claim over, since for too long it did not change.
    """

    def __init__(self, file: Path, beat_seconds: float) -> None:
        self.file = file
        self.lost = threading.Event()
        self._ended = threading.Event()
        self._beat_seconds = beat_seconds
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Claim:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        _remove(self.file)

    def _beat(self) -> None:
        while not self._ended.wait(self._beat_seconds):
            try:
                os.utime(self.file)
            except FileNotFoundError:
                self.lost.set()
                return
            except OSError:  # a file system that is away for a moment
                continue


@dataclass(frozen=True)
class Holder:
    """Tells which process has a claim.

    Attributes:
        host: name of its machine; empty where the file cannot be read.
        beat: changes while it lives.
        heard: when it was last known to live, in seconds since 1970 by its file system's clock.
        dead: known to be gone: its machine is this one, and its process is no more.
    """

    file: Path
    host: str
    pid: int
    beat: int
    heard: float
    dead: bool

    @property
    def whereabouts(self) -> str:
        return f"on {self.host}, process {self.pid}" if self.host else "by an unknown process"


def claim_of(output_dir: Path | str, condition_id: str) -> Path:
    """Return where the claim to a condition lies."""
    return Path(output_dir) / "claims" / condition_id


def take(place: Path, *, beat_seconds: float = BEAT_SECONDS) -> Claim | None:
    """Claim a place, unless another process has it that is not known to be dead.

    Raises:
        OSError: nothing can be written there, or what lies there is no claim.
    """
    for holder in holders(place):
        if not holder.dead:
            return None
        _remove(holder.file)
    name = f"{secrets.token_hex(8)}.json"
    draft = place.with_name(f".{place.name}.{name}")
    draft.mkdir(parents=True)
    try:
        (draft / name).write_text(json.dumps(own_identity()))
        os.rename(draft, place)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not (place / name).exists():  # else: done, though a network file system denied it
            if place.exists():
                _check_no_strangers(place)
                return None
            raise
    return Claim(place / name, beat_seconds)


def holders(place: Path) -> Iterator[Holder]:
    """Yield who has a claim; nobody, or one.

    Raises:
        OSError: the place cannot be read, or is elsewhere.
    """
    for name, is_claim in _entries(place):
        if is_claim:
            with suppress(FileNotFoundError):
                yield _read(place / name)


def _entries(place: Path) -> list[tuple[str, bool]]:
    """Return the names in a place, in order, and whether each is a claim's."""
    for link in (place.parent, place):
        if link.is_symlink():
            raise OSError(f"{link} must be a directory of its own, got a symbolic link")
    try:
        with os.scandir(place) as entries:
            files = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    except FileNotFoundError:
        return []
    return [(name, files[name] and bool(NAME.fullmatch(name))) for name in sorted(files)]


def _check_no_strangers(place: Path) -> None:
    """Check that what is in the way in a place is a claim, which will go; nothing else would."""
    for name, is_claim in _entries(place):
        gone = name.startswith(".nfs") or not os.path.lexists(place / name)  # or open, but removed
        if not is_claim and not gone:
            raise OSError(f"{place} must hold nothing but a claim, got {name!a}")


class ClaimWatcher:
    """Looks at the claims of others, again and again, until they are free."""

    def __init__(self, *, stale_seconds: float = STALE_SECONDS) -> None:
        """Take a claim that has not changed for `stale_seconds` for that of a dead process."""
        self.stale_seconds = stale_seconds
        self._seen: dict[Path, tuple[int, float]] = {}

    def is_free(self, place: Path) -> bool:
        """Return whether nobody has a place any more; the claims of the dead are removed.

        Raises:
            OSError: the place cannot be read, or is elsewhere.
        """
        for holder in holders(place):
            if not holder.dead and self._changes(holder):
                return False
            _remove(holder.file)
        return True

    def _changes(self, holder: Holder) -> bool:
        now = time.monotonic()
        beat, since = self._seen.get(holder.file, (None, now))
        if beat != holder.beat:
            self._seen[holder.file] = (holder.beat, now)
            return True
        return now - since < self.stale_seconds


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
    with suppress(OSError):  # not empty: it has an heir already
        file.parent.rmdir()


def _read(file: Path) -> Holder:
    host, pid, dead = "", 0, False
    with suppress(OSError, ValueError, KeyError):
        known = read_object(file, RULES, "a claim")
        host, pid = known["host"], known["pid"]
        dead = is_gone(known)
    status = os.lstat(file)  # once it was opened, a network file system shows it as it is, too
    return Holder(file, host, pid, status.st_mtime_ns, status.st_mtime, dead)
