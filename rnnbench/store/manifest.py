"""Keep a list of the conditions that the sweeps of a directory ask for, trained or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.console import warn
from rnnbench.store import rules
from rnnbench.store.files import read_json, write_atomically
from rnnbench.store.schema import DEEPEST, is_plain

FILE = "manifest.json"
Entry = Mapping[str, Any]


def _are_settings(value: Any) -> bool:
    is_told = isinstance(value, dict) and rules.NAME.holds(value.get("cell"))
    return is_told and rules.NAME.holds(value.get("task")) and is_plain(value, DEEPEST)


ENTRY = {
    "task": rules.NAME,
    "cell": rules.NAME,
    "gap": rules.whole(1),
    # null: tuning has yet to choose
    "replicas": rules.list_of(rules.replica(rate=rules.ABOVE_0.or_none)),
}
# Earlier manifests lack them.
OPTIONAL = {"settings": rules.Rule("the settings of a condition", _are_settings)}


def add_to_manifest(output_dir: Path, sweep: str, asked: Mapping[str, Entry]) -> None:
    """Add what a sweep asks for to the manifest of its directory, as `read_manifest` returns it."""
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
    """Return the conditions by id: task, cell, gap, settings, and replicas as [seed, rate].

    The rate is None where tuning chooses it. None at all where there is no manifest; one that is
    damaged is named, and is written again at the next start.
    """
    path = Path(output_dir) / FILE
    manifest = read_json(path, {"conditions": rules.SECTION}, "a manifest")
    found = manifest["conditions"] if manifest else {}
    entries = {identity: entry for identity, entry in found.items() if _is_entry(identity, entry)}
    if len(entries) < len(found):
        warn(f"{path} is passed over: an entry that is none of a condition")
    return entries


def _is_entry(identity: str, entry: Any) -> bool:
    try:
        rules.check_fields(entry, ENTRY, OPTIONAL, "an entry")
    except ValueError:
        return False
    return rules.IDENTITY.holds(identity)
