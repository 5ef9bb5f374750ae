"""The manifest: which conditions the sweeps of a directory consist of, trained or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.console import message_of, warn
from rnnbench.store.files import read_file, write_atomically
from rnnbench.store.rules import ABOVE_0, IDENTITY, LONGEST_NAME, NAME, Rule, Rules, whole

FILE = "manifest.json"
Entry = Mapping[str, Any]


def _is_replica(value: Any) -> bool:
    """Return whether a value is a seed and a learning rate, or None for one yet to be chosen."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and whole(0).holds(value[0])
        and ABOVE_0.or_none.holds(value[1])
    )


def _is_condition_name(value: Any) -> bool:
    """Return whether a value may be made of the names of a task and a cell, and a little more."""
    return isinstance(value, str) and value.isprintable() and len(value) <= 3 * LONGEST_NAME


ENTRY: Rules = {
    "name": Rule("the name of a condition", _is_condition_name),
    **{"task": NAME, "cell": NAME, "gap": whole(1)},
    "replicas": Rule(
        "pairs of a seed and a rate",
        lambda value: isinstance(value, list) and all(map(_is_replica, value)),
    ),
}


def add_to_manifest(output_dir: Path, sweep: str, asked: Mapping[str, Entry]) -> None:
    """Write what a sweep asks for into its directory, beside what was asked for before.

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
    entries = {}
    try:
        found = json.loads(read_file(path))["conditions"]
        entries = {
            identity: entry for identity, entry in found.items() if _is_entry(identity, entry)
        }
        if len(entries) < len(found):
            raise ValueError("an entry that is none of a condition")
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        warn(f"{path} is passed over: {message_of(error)}")
    return entries


def _is_entry(identity: str, entry: object) -> bool:
    return (
        IDENTITY.holds(identity)
        and isinstance(entry, dict)
        and all(rule.holds(entry.get(key)) for key, rule in ENTRY.items())
    )
