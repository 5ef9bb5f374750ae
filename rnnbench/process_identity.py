"""Which process it is: told from all others of this machine, and of others."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any


def own_identity() -> dict[str, Any]:
    """Return what this process is known by, as plain values: host, system, pid and begun."""
    pid = os.getpid()
    return {"host": platform.node(), "system": _system(), "pid": pid, "begun": _begun(pid)}


def is_gone(known: Mapping[str, Any]) -> bool:
    """Return whether a process is known to be no more: it was one of this machine.

    Raises:
        KeyError: too little is known of it.
    """
    return bool(known["system"] == _system() and known["begun"] != _begun(known["pid"]))


@cache
def _system() -> list[str]:
    """Return what tells this machine, start of it and space of process numbers from all others."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return parts


def _begun(pid: int) -> str | None:
    """Return when a process of this machine began, or None where there is no such process."""
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
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
