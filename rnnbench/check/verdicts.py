"""Remember what trials of engines have found, for one machine, and say what still speaks against.

A verdict holds for the engine's source, torch, Triton, the GPU and its driver: whatever changes,
the engine is tried again. Each is a file of its own in the user's cache (`verdicts`), and nothing
runs what stands in it; a damaged one is as if there were none.
"""

from __future__ import annotations

import inspect
import json
import platform
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from rnnbench.check.gate import STARTS, Trial, is_gated, reason_against
from rnnbench.engine import ENGINES, get_engine
from rnnbench.store.files import private_directory, read_object, write_atomically
from rnnbench.store.rules import Rule, is_text
from rnnbench.store.settings import digest
from rnnbench.training.code import source_of

VERIFY = "python -m rnnbench.bench --device cuda --verify"
UNPROVEN = f"is not proven on this GPU: `{VERIFY}` proves it"
DRIVER = Path("/proc/driver/nvidia/version")
REASON = Rule(
    "null or a printable text",
    lambda value: value is None or (is_text(value) and value.isprintable()),
)


def identity_of(trial: Trial) -> str:
    """Return what a trial's verdict holds for: engine, machine, cell, shape and precision."""
    arguments = {k: repr(v) for k, v in vars(trial.cell).items() if k not in STARTS}
    cell = [source_of(type(trial.cell)), type(trial.cell).__qualname__, arguments]
    shape = trial._replace(cell=None)  # type: ignore[arg-type]
    return digest([_surroundings(trial.engine, trial.device), cell, list(shape)])


def proof_of(engine: str, device: str) -> str:
    """Return what the verdict of the whole verification holds for: engine and machine."""
    return digest(["verified", _surroundings(engine, device)])


def remember(identity: str, reason: str | None) -> None:
    """Store a verdict; where there is no directory for it, the engine is tried again next time."""
    directory = private_directory("verdicts")
    with suppress(OSError):  # a full disk
        if directory is not None:
            content = json.dumps({"reason": reason}).encode()
            write_atomically(directory / f"{identity}.json", content)


def recall(identity: str) -> tuple[str | None] | None:
    """Return a stored verdict, as the reason against or None in a tuple; None if there is none."""
    directory = private_directory("verdicts")
    with suppress(OSError, ValueError):  # damaged
        if directory is not None:
            found = read_object(directory / f"{identity}.json", {"reason": REASON}, "a verdict")
            return (found["reason"],)
    return None


def verdict_on(trial: Trial) -> str | None:
    """Return what speaks against an engine, or None: as remembered, or by a trial here and now."""
    identity = identity_of(trial)
    known = recall(identity)
    if known is not None:
        return known[0]
    try:
        reason = reason_against(trial)
    except torch.OutOfMemoryError:  # the fault of whoever fills the device, and not remembered
        return "cannot be tried: the device is out of memory"
    remember(identity, reason)
    return reason


def proof_lacks(engine: str, device: str) -> str | None:
    """Return why an engine is not proven as a whole on this machine; None if it is, or need not."""
    if not is_gated(engine, device):
        return None
    known = recall(proof_of(engine, device))
    return UNPROVEN if known is None else known[0]


def _surroundings(engine: str, device: str) -> list[Any]:
    """Return what a verdict depends on beside cell and shape."""
    source = _source(ENGINES[engine])
    return [engine, source, torch.__version__, _triton(), *_processor(device)]


def _source(engine: Any) -> str:
    """Return a hash of the engines' room, and of the file of an engine from elsewhere."""
    room = Path(inspect.getfile(get_engine)).parent
    files = {*room.rglob("*.py"), Path(inspect.getfile(engine))}
    return sha256(b"\0".join(file.read_bytes() for file in sorted(files))).hexdigest()


def _triton() -> str | None:
    with suppress(PackageNotFoundError):
        return version("triton")
    return None


@cache
def _processor(device: str) -> tuple[str, str]:
    """Return the names of a device and of its driver."""
    if device != "cuda":
        return platform.processor() or platform.machine(), ""
    driver = DRIVER.read_text() if DRIVER.exists() else str(torch.version.cuda)
    return torch.cuda.get_device_name(), driver
