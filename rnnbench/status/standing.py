"""What a directory tells of a sweep: what is done, who is at what, what is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnbench.claims import Holder, claim_of, holders
from rnnbench.errors import message_of, warn
from rnnbench.manifest import read_manifest
from rnnbench.news import News
from rnnbench.records import FINISHED, Record, read_records
from rnnbench.tally import Tally

TUNING = "tuning"


@dataclass(frozen=True)
class Running:
    """A condition that a process is at.

    Attributes:
        holder: who is at it; one that is known to be dead has been killed.
        news: step, steps, active and accuracy; None where nothing was told yet.
        silent: seconds since it was last known to live, by this machine's clock.
    """

    name: str
    holder: Holder
    news: Mapping[str, Any] | None
    silent: float


@dataclass(frozen=True)
class Standing:
    """How the runs of a directory stand.

    Attributes:
        tally: runs by status, and `left`.
        running: conditions in training.
        conditions: how many are finished, and how many there are.
    """

    tally: Tally
    running: tuple[Running, ...]
    conditions: tuple[int, int]


def take_standing(output_dir: Path) -> Standing:
    """Return how a directory's sweep stands.

    Raises:
        FileNotFoundError: there is no such directory.
    """
    by_condition: dict[str, dict[str, Record]] = {}
    for record in read_records(output_dir):
        by_condition.setdefault(record["condition_id"], {})[record["run_id"]] = record
    manifest = read_manifest(output_dir)
    counts: dict[tuple[str, str], Counter[str]] = {}
    running, failures, finished = [], [], 0
    for identity in manifest | by_condition:
        records = list(by_condition.get(identity, {}).values())
        entry = manifest.get(identity) or _entry(records[0])
        statuses = Counter(record["status"] for record in records)
        done = sum(statuses[status] for status in FINISHED)
        statuses["left"] = max(0, len(entry["replicas"]) - statuses.total())
        counts.setdefault((entry["task"], entry["cell"]), Counter()).update(statuses)
        finished += not statuses["left"] and not statuses["failed"] and done > 0
        running += _running(output_dir, identity, entry["name"])
        failures += _failures(entry["name"], records)
    order = dict(sorted(counts.items()))
    total = len(manifest | by_condition)
    return Standing(Tally(order, tuple(failures)), tuple(running), (finished, total))


def _entry(record: Record) -> dict[str, Any]:
    """Return what a manifest would say of a condition, as far as a record tells."""
    name = "{task} gap {gap} {cell}".format(**record)
    return {"name": name, "task": record["task"], "cell": record["cell"], "replicas": []}


def _running(output_dir: Path, identity: str, name: str) -> list[Running]:
    news = News(output_dir, identity)
    place = claim_of(output_dir, identity)
    try:
        found = list(holders(place))
    except OSError as error:
        warn(f"{place} is passed over: {message_of(error)}")
        return []
    now = time.time()
    return [Running(name, each, news.read(), max(0.0, now - each.heard)) for each in found]


def _failures(name: str, records: list[Record]) -> list[str]:
    failed = [record for record in records if record["status"] == "failed"]
    if not failed:
        return []
    return [f"{name} ({len(failed)} of {len(records)} runs): {failed[0].get('error')}"]
