"""Which stored runs are trained again, and why others cannot be."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from rnnbench.comparable import differences
from rnnbench.condition import Condition, Replica
from rnnbench.engine import check_engine, kernel_identity
from rnnbench.errors import message_of
from rnnbench.machine import choose_device
from rnnbench.recording import describe_run
from rnnbench.records import Record, encode, read_records
from rnnbench.rules import shown
from rnnbench.selection import NothingToDo
from rnnbench.stored_condition import condition_from, condition_of

Job = dict[str, Any]
# What a record may say whatever its settings are; where it was trained is compared by itself.
FREE = ("format", "sweep", "command", "tuning", "version", "environment")
# The others failed, or were taken out of a tuning because of their company.
REPEATABLE = ("solved", "unsolved", "diverged")


class Here(NamedTuple):
    """What the runs of some settings are here: the settings, and what they make of a record."""

    condition: Condition
    described: Record


def make_plan(path: Path, sample: int, seed: int) -> tuple[list[Job], list[str]]:
    """Return what `rnnbench.verify.rerun.rerun` is to do, and what is left out.

    Args:
        path: of the results, a directory or a consolidated file.
        sample: runs to choose, all if there are no more.
        seed: that chooses them.

    Returns:
        Jobs, each with a name; and lines that say how many runs there are and why some are not.

    Raises:
        FileNotFoundError: there are no results.
        NothingToDo: no run can be expected to have the same numbers here.
    """
    records = {r["run_id"]: r for r in read_records(path) if r["status"] in REPEATABLE}
    comparable, refused = [], Counter[str]()
    known: dict[str, Here | str] = {}  # by settings, engine, device and machine: many share them
    for run_id in sorted(records):
        reason = _reason(records[run_id], known)
        if reason:
            refused[reason] += 1
        else:
            comparable.append(records[run_id])
    lines = [f"{count} runs are not comparable: {reason}" for reason, count in refused.items()]
    if not comparable:
        raise NothingToDo("; ".join([f"no run of {path} can be repeated here to the bit", *lines]))
    chosen = random.Random(seed).sample(comparable, min(sample, len(comparable)))
    told = f"{len(chosen)} of {len(comparable)} comparable runs, chosen by seed {seed}"
    return [_job(path, record) for record in chosen], [*lines, told]


def _reason(record: Record, known: dict[str, Here | str]) -> str:
    """Return why a run cannot be expected to have the same numbers here; empty if it can."""
    fields = ("config", "engine", "device", "dtype", "versions", "environment")
    told = {name: record.get(name) for name in fields}
    if told["environment"]:
        told["environment"] = {**told["environment"], "started": None}
    key = repr(told)
    if key not in known:
        known[key] = _here(record)
    here = known[key]
    return here if isinstance(here, str) else _told_otherwise(record, here)


def _here(record: Record) -> Here | str:
    """Return what runs of a record's settings are here, or why their numbers may be others."""
    try:
        condition = condition_from(record.get("config", {}), "a record's config")
        cell, device = condition.build_cell(), choose_device(record["device"])
        check_engine(record["engine"], cell, device)
        run = {"engine": record["engine"], "device": device}
        run |= {"kernel": kernel_identity(record["engine"], cell)}
        run |= {"sweep": "", "command": "", "tuning": None, "started": ""}
        described = describe_run(condition, Replica(record["seed"], record["lr"]), run)
        reason = "; ".join(differences(record, described))
        return reason or Here(condition, json.loads(encode(described)))
    except Exception as error:  # whatever a record from elsewhere names
        return message_of(error)


def _told_otherwise(record: Record, here: Here) -> str:
    """Return what a record tells of its run that its settings do not make it; empty if nothing.

    What an early record does not tell is not held against it.
    """
    run_id = here.condition.run_id(Replica(record["seed"], record["lr"]))
    own = {"run_id": run_id, "seed": record["seed"], "lr": record["lr"]}
    for name, made in {**here.described, **own}.items():
        if name not in FREE and name in record and record[name] != made:
            told = f"{name} {shown(record[name])} there, {shown(made)} by its settings"
            return f"run {record['run_id']} has {told}"
    return ""


def _job(path: Path, record: Record) -> Job:
    name = condition_of(record).name
    return {
        "name": f"{name}, seed {record['seed']}, rate {record['lr']:g}",
        "record": record,
        "results": str(path),
    }
