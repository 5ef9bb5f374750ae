"""When two runs of the same settings must have the same numbers, to the last bit."""

from __future__ import annotations

from typing import Any

from rnnbench.records import Record

# Processors, libraries and kernels round differently, and draw differently.
ENVIRONMENT = ("torch", "cpu", "cpu_capability", "gpu", "kernel")


def differences(stored: Record, here: Record) -> list[str]:
    """Return why two runs of one condition and replica may differ, a phrase each; none if nothing.

    How many runs were trained at once, in how many workers, in which order and with how many
    interruptions is no reason. A kernel that one of the two does not tell is not held against them.

    Args:
        stored: the record of one.
        here: the record of the other, or what is known before it trains
            (`rnnbench.recording.describe_run`).
    """
    theirs, ours = _circumstances(stored), _circumstances(here)
    names = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
    if None in (theirs["kernel"], ours["kernel"]) and "kernel" in names:
        names.remove("kernel")  # earlier records do not tell it
    return [f"{name} {theirs.get(name)} there, {ours.get(name)} here" for name in names]


def _circumstances(record: Record) -> dict[str, Any]:
    versions = {f"{part} version": number for part, number in record.get("versions", {}).items()}
    run = {name: record[name] for name in ("engine", "device", "dtype")}
    environment = record.get("environment", {})
    return {**versions, **run, **{name: environment.get(name) for name in ENVIRONMENT}}
