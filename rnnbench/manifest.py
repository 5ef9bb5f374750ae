"""The manifest: which conditions the sweeps of a directory consist of, trained or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.condition import Sweep
from rnnbench.errors import message_of, warn
from rnnbench.records import write_atomically

FILE = "manifest.json"
Entry = Mapping[str, Any]


def add_to_manifest(sweep: Sweep) -> None:
    """Write what a sweep asks for into its directory, beside what was asked for before."""
    known = read_manifest(sweep.output_dir)
    entries = dict(known)
    for condition, replicas in sweep.jobs:
        identity = condition.condition_id
        before = known.get(identity, {}).get("replicas", [])
        asked = [[replica.seed, None if condition.tuned else replica.lr] for replica in replicas]
        entries[identity] = {
            "name": condition.name,
            "task": condition.task["name"],
            "cell": condition.cell["name"],
            "gap": condition.task["gap"],
            "replicas": [*before, *(pair for pair in asked if pair not in before)],
        }
    if entries != known:
        text = json.dumps({"sweep": sweep.name, "conditions": entries}, separators=(",", ":"))
        write_atomically(sweep.output_dir / FILE, text.encode())


def read_manifest(output_dir: Path | str) -> dict[str, Entry]:
    """Return the conditions by id: name, task, cell, gap, and replicas as [seed, learning rate].

    The rate is None where tuning chooses it. None at all where there is no manifest; one that is
    damaged is named, and is written again at the next start.
    """
    path = Path(output_dir) / FILE
    entries = {}
    try:
        found = json.loads(path.read_bytes())["conditions"]
        entries = {identity: entry for identity, entry in found.items() if _is_entry(entry)}
        if len(entries) < len(found):
            raise ValueError("an entry that is none of a condition")
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        warn(f"{path} is passed over: {message_of(error)}")
    return entries


def _is_entry(entry: object) -> bool:
    parts = {"name": str, "task": str, "cell": str, "gap": int, "replicas": list}
    return isinstance(entry, dict) and all(
        isinstance(entry.get(name), kind) for name, kind in parts.items()
    )
