"""Runs that are told more than once, as after results were copied together: each counts once.

One rule for all that reads records: a failed record gives way to a finished one; else the one that
is read first counts. A run is known by its id, and by its condition, seed and learning rate.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rnnbench.errors import warn

Record = dict[str, Any]
Replica = tuple[str, int, float]  # of a condition
# Circumstances, that may differ between two records of one training or of one that was repeated;
# the settings, whose hash is the condition's id; and the history, of which the numbers are taken.
LEFT_OUT = frozenset(
    ("format", "seconds", "sequences_per_second", "environment", "command", "sweep", "version")
    + ("config", "history")
)


def each_once(records: Iterable[tuple[str, Record]]) -> Iterator[Record]:
    """Yield each run once, the failed ones last.

    A record that repeats another but for its circumstances is passed over without a word, as is a
    failed one beside a finished one; any other is named.

    Args:
        records: where each lies, in words, and the record.
    """
    counted = _Counted()
    failed = []
    for place, record in records:
        if record["status"] == "failed":
            failed.append((place, record))
        elif counted.add(place, record):
            yield record
    # Whatever they tell is little, so they can wait for what others make of them.
    yield from (record for place, record in failed if counted.add(place, record))


class _Counted:
    """The runs that count so far."""

    def __init__(self) -> None:
        self.run_ids: dict[Replica, str] = {}
        self.contents: dict[str, int] = {}  # hashes by run id

    def add(self, place: str, record: Record) -> bool:
        """Return whether a record is the first of its run; one that says otherwise is named."""
        run_id = record["run_id"]
        replica = (sys.intern(record["condition_id"]), record["seed"], record["lr"])
        if run_id not in self.contents and replica not in self.run_ids:
            self.contents[run_id], self.run_ids[replica] = _content(record), run_id
            return True
        reason = self._reason(record, replica)
        if reason:
            warn(f"{place} is passed over: {reason}")
        return False

    def _reason(self, record: Record, replica: Replica) -> str:
        """Return why a record says otherwise than what counts of its run; empty if it does not."""
        run_id = record["run_id"]
        known = self.run_ids.get(replica, run_id)
        if known != run_id:
            return f"run {run_id} has the condition, seed and rate of {known}, which counts"
        if record["status"] == "failed" or self.contents[run_id] == _content(record):
            return ""
        return f"run {run_id} is told otherwise elsewhere, by what was read before and counts"


def _content(record: Record) -> int:
    """Return a hash of what a record tells of its run."""
    told = {name: value for name, value in record.items() if name not in LEFT_OUT}
    numbers = tuple(value for row in record["history"] for value in row.values())
    return hash((repr(sorted(told.items())), numbers))
