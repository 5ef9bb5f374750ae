"""Which stored runs are trained again, and why others cannot be."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

from rnnbench.comparable import differences
from rnnbench.condition import Replica
from rnnbench.engine import check_engine, kernel_identity
from rnnbench.errors import message_of
from rnnbench.machine import choose_device
from rnnbench.recording import describe_run
from rnnbench.records import Record, Store, read_records
from rnnbench.selection import NothingToDo
from rnnbench.stored_condition import condition_of

Job = dict[str, Any]
# The others failed, or were taken out of a tuning because of their company.
REPEATABLE = ("solved", "unsolved", "diverged")


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
    reasons: dict[str, str] = {}  # by condition, engine, device and machine: many share them
    for run_id in sorted(records):
        reason = _reason(records[run_id], reasons)
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


def _reason(record: Record, known: dict[str, str]) -> str:
    """Return why a run cannot be expected to have the same numbers here; empty if it can."""
    fields = ("condition_id", "engine", "device", "versions", "environment")
    told = {name: record.get(name) for name in fields}
    if told["environment"]:
        told["environment"] = {**told["environment"], "started": None}
    key = repr(told)
    if key not in known:
        known[key] = _find_reason(record)
    return known[key]


def _find_reason(record: Record) -> str:
    try:
        condition = condition_of(record)
        cell, device = condition.build_cell(), choose_device(record["device"])
        check_engine(record["engine"], cell, device)
        run = {"engine": record["engine"], "device": device}
        run |= {"kernel": kernel_identity(record["engine"], cell)}
        run |= {"sweep": "", "command": "", "tuning": None, "started": ""}
        here = describe_run(condition, Replica(record["seed"], record["lr"]), run)
        return "; ".join(differences(record, here))
    except Exception as error:  # whatever a record from elsewhere names
        return message_of(error)


def _job(path: Path, record: Record) -> Job:
    weights = Store(path).parameters(record["run_id"])
    name = condition_of(record).name
    return {
        "name": f"{name}, seed {record['seed']}, rate {record['lr']:g}",
        "record": record,
        "weights": str(weights) if weights.exists() else None,
    }
