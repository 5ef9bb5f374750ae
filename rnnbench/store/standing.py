"""Count the runs of a sweep by what became of them, and tell which are in training."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnbench.console import count, message_of, warn
from rnnbench.store.claims import Holder, claim_of, holders
from rnnbench.store.files import read_object, write_atomically
from rnnbench.store.manifest import read_manifest
from rnnbench.store.records import Record, current_runs, is_finished, read_records
from rnnbench.store.rules import SHARE, whole
from rnnbench.store.settings import label_conditions, name_conditions, settings_of

NEWS_SECONDS = 5.0
RULES = {"step": whole(0), "steps": whole(1), "active": whole(0), "accuracy": SHARE.or_none}


@dataclass(frozen=True)
class Tally:
    """Counts runs by kind, and says in a line each what failed.

    Attributes:
        counts: runs by kind, for each (task, cell); `failed` and `left` are not done.
        failures: one line for each condition with failed runs.
    """

    counts: Mapping[tuple[str, str], Counter[str]]
    failures: tuple[str, ...]

    @property
    def total(self) -> Counter[str]:
        return sum(self.counts.values(), Counter())

    @property
    def complete(self) -> bool:
        return not self.total["failed"] and not self.total["left"]

    def table(self, kinds: Sequence[str]) -> str:
        """Return the counts of these kinds as text, a row per task and cell and one for all."""
        rows = [*self.counts.items(), (("all", ""), self.total)]
        lines = [("task", "cell", *kinds)]
        lines += [(*names, *(str(row[kind]) for kind in kinds)) for names, row in rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = [
            [*map(str.ljust, line[:2], widths), *map(str.rjust, line[2:], widths[2:])]
            for line in lines
        ]
        return "\n".join("  ".join(line).rstrip() for line in aligned)

    def failure_lines(self) -> list[str]:
        """Return what failed, as it is shown below the table."""
        return [f"failed: {failure}" for failure in self.failures]


class ProgressFile:
    """Keeps how far a condition in training is: step, steps, active replicas and accuracy."""

    def __init__(self, output_dir: Path | str, condition_id: str) -> None:
        self.path = Path(output_dir) / "progress" / f"{condition_id}.json"
        self._told = -NEWS_SECONDS

    def tell(self, news: Mapping[str, Any]) -> None:
        """Write the progress, every few seconds; a full disk must not stop the training."""
        if time.monotonic() - self._told < NEWS_SECONDS:
            return
        self._told = time.monotonic()
        with suppress(OSError):
            write_atomically(self.path, json.dumps({key: news[key] for key in RULES}).encode())

    def read(self) -> dict[str, Any] | None:
        """Return the latest progress, or None where there is none."""
        try:
            found = read_object(self.path, RULES, "a progress file")
        except (OSError, ValueError):
            return None
        return found if found["step"] <= found["steps"] else None

    def clear(self) -> None:
        """Remove the file, once the condition is no longer in training."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.path.parent.rmdir()


@dataclass(frozen=True)
class Running:
    """Tells of a condition in training.

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
class SweepStatus:
    """Tells how the runs of a directory stand.

    Attributes:
        tally: runs by status, and `left`.
        running: conditions in training.
        conditions: how many are finished, and how many there are.
        codes: one line for each own cell or task whose runs are of several codes, though of one
            version and the same settings.
    """

    tally: Tally
    running: tuple[Running, ...]
    conditions: tuple[int, int]
    codes: tuple[str, ...]


def read_sweep_status(output_dir: Path) -> SweepStatus:
    """Return how a directory's sweep stands.

    Raises:
        FileNotFoundError: there is no such directory.
    """
    if not output_dir.is_dir():
        raise FileNotFoundError(f"no results at {output_dir}, as it is no directory")
    by_condition: dict[str, dict[str, Record]] = {}
    for record in read_records(output_dir):
        by_condition.setdefault(record["condition_id"], {})[record["run_id"]] = record
    manifest = read_manifest(output_dir)
    told = {identity: next(iter(runs.values())) for identity, runs in by_condition.items()}
    entries = {**{identity: _entry(record) for identity, record in told.items()}, **manifest}
    # Earlier manifests lack the settings.
    entries = {i: {"settings": settings_of(told.get(i, e)), **e} for i, e in entries.items()}
    labels = label_conditions({i: entry["settings"] for i, entry in entries.items()})
    names = name_conditions(entries)
    counts: dict[tuple[str, str], Counter[str]] = {}
    running, failures, finished = [], [], 0
    for identity, entry in entries.items():
        records = current_runs(by_condition.get(identity, {}).values())
        statuses = Counter(record["status"] for record in records)
        statuses["left"] = max(0, len(entry["replicas"]) - statuses.total())
        counts.setdefault((entry["task"], labels[identity]), Counter()).update(statuses)
        finished += bool(records) and all(map(is_finished, records)) and not statuses["left"]
        running += _running(output_dir, identity, names[identity])
        failures += _failures(names[identity], records)
    tally = Tally(dict(sorted(counts.items())), tuple(failures))
    total = len(entries)
    codes = _codes(record for own in by_condition.values() for record in own.values())
    return SweepStatus(tally, tuple(running), (finished, total), codes)


def _codes(records: Iterable[Record]) -> tuple[str, ...]:
    """Name the own cells and tasks of which there are runs of several codes."""
    found: dict[tuple[str, str], set[str]] = {}
    for record in records:
        for part in record.get("code", {}).keys() & {"cell", "task"}:
            told = record.get("config", {}).get(part)
            settings = {**told, "gap": None} if isinstance(told, dict) else {}
            version = record.get("versions", {}).get(part)
            key = json.dumps([part, version, settings], sort_keys=True)
            name = str(settings.get("_target_", record[part]))
            found.setdefault((name, key), set()).add(record["code"][part])
    several = [(name, len(codes)) for (name, _), codes in found.items() if len(codes) > 1]
    return tuple(f"{name}: runs of {codes} different codes" for name, codes in sorted(several))


def _entry(record: Record) -> dict[str, Any]:
    """Return what a manifest would say of a condition, as far as a record tells."""
    return {**{name: record[name] for name in ("task", "cell", "gap")}, "replicas": []}


def _running(output_dir: Path, identity: str, name: str) -> list[Running]:
    news = ProgressFile(output_dir, identity)
    place = claim_of(output_dir, identity)
    try:
        found = list(holders(place))
    except OSError as error:
        warn(f"{place} is passed over: {message_of(error)}")
        return []
    now = time.time()
    return [Running(name, each, news.read(), max(0.0, now - each.heard)) for each in found]


def _failures(name: str, records: list[Record]) -> list[str]:
    failed = [record for record in records if not is_finished(record)]
    line = f"{name} ({len(failed)} of {count(len(records), 'run')}): "
    return [line + str(record.get("error")) for record in failed[:1]]
