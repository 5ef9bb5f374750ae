"""Keep a list of the conditions that the sweeps of a directory ask for, trained or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.console import warn
from rnnbench.store.files import read_json, write_atomically
from rnnbench.store.rules import (
    ABOVE_0,
    IDENTITY,
    LONGEST_NAME,
    NAME,
    SECTION,
    Rule,
    Rules,
    check_fields,
    list_of,
    replica,
    whole,
)

FILE = "manifest.json"
Entry = Mapping[str, Any]


def _is_condition_name(value: Any) -> bool:
    """Return whether a value may be made of the names of a task and a cell, and a little more."""
    return isinstance(value, str) and value.isprintable() and len(value) <= 3 * LONGEST_NAME


ENTRY: Rules = {
    "name": Rule("the name of a condition", _is_condition_name),
    "task": NAME,
    "cell": NAME,
    "gap": whole(1),
    "replicas": list_of(replica(rate=ABOVE_0.or_none)),  # null: tuning has yet to choose
}


def add_to_manifest(output_dir: Path, sweep: str, asked: Mapping[str, Entry]) -> None:
    """Add what a sweep asks for to the manifest of its directory.

    Args:
        output_dir: of the sweep.
        sweep: its name.
        asked: entries by condition id, as `read_manifest` returns them.
    """
    known = read_manifest(output_dir)
    entries = dict(known)
    for identity, entry in asked.items():
        before = known.get(identity, {}).get("replicas", [])
        new = [pair for pair in entry["replicas"] if pair not in before]
        entries[identity] = {**entry, "replicas": [*before, *new]}
    if entries != known:
        text = json.dumps({"sweep": sweep, "conditions": entries}, separators=(",", ":"))
        write_atomically(output_dir / FILE, text.encode())


def read_manifest(output_dir: Path | str) -> dict[str, Entry]:
    """Return the conditions by id: name, task, cell, gap, and replicas as [seed, learning rate].

    The rate is None where tuning chooses it. None at all where there is no manifest; one that is
    damaged is named, and is written again at the next start.
    """
    path = Path(output_dir) / FILE
    found = (read_json(path, {"conditions": SECTION}, {}, "a manifest") or {}).get("conditions", {})
    entries = {identity: entry for identity, entry in found.items() if _is_entry(identity, entry)}
    if len(entries) < len(found):
        warn(f"{path} is passed over: an entry that is none of a condition")
    return entries


def _is_entry(identity: str, entry: Any) -> bool:
    try:
        check_fields(entry, ENTRY, {}, "an entry")
    except ValueError:
        return False
    return IDENTITY.holds(identity)
