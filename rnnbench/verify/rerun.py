"""Choose stored runs that can be repeated here, train them again, and compare every number."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load

from rnnbench.console import count, count_are, message_of
from rnnbench.engine import check_engine, kernel_identity
from rnnbench.experiment.condition import Condition, Replica, condition_of
from rnnbench.store.records import (
    NothingToDo,
    Record,
    Store,
    decode,
    encode,
    read_records,
    trained_as,
)
from rnnbench.store.rules import shown
from rnnbench.store.settings import name_recorded
from rnnbench.training.code import code_of
from rnnbench.training.machine import choose_device
from rnnbench.training.recipe import make_recipe
from rnnbench.training.recording import describe_run, differences, final_parameters, finished_record
from rnnbench.training.trainer import Trainer

Job = dict[str, Any]
# Fields that do not follow from the settings; the environment is compared by itself.
FREE = ("format", "sweep", "command", "tuning", "version", "environment")
# The others failed, or were taken out of a tuning because other rates were better.
REPEATABLE = ("solved", "unsolved", "diverged")
ENDS = ("status", "steps", "clipped_steps", "steps_to_solve", "loss", "accuracy", "score")


class Here(NamedTuple):
    """Hold what a record's settings give here: a condition, and the record before training."""

    condition: Condition
    described: Record


def make_plan(path: Path, sample: int, seed: int) -> tuple[list[Job], list[str]]:
    """Choose by a seed so many runs to train again, or all that can be compared if there are fewer.

    Returns:
        Jobs for `rerun`, and lines on how many runs can be compared, and why the others cannot.

    Raises:
        FileNotFoundError: there are no results.
        NothingToDo: no run can be compared here.
    """
    records = {r["run_id"]: r for r in read_records(path) if r["status"] in REPEATABLE}
    known: dict[str, Here | str] = {}  # by settings, engine, device and machine, as many share them
    reasons = {run_id: _reason(records[run_id], known) for run_id in sorted(records)}
    comparable = [records[run_id] for run_id, reason in reasons.items() if not reason]
    refused = Counter(filter(None, reasons.values()))
    lines = [f"{count_are(n, 'run')} not comparable: {reason}" for reason, n in refused.items()]
    if not comparable:
        raise NothingToDo("; ".join([f"no run of {path} can be repeated here to the bit", *lines]))
    chosen = random.Random(seed).sample(comparable, min(sample, len(comparable)))
    told = f"{len(chosen)} of {count(len(comparable), 'comparable run')}, chosen by seed {seed}"
    names = name_recorded(records.values())
    return [_job(path, names[r["condition_id"]], r) for r in chosen], [*lines, told]


def _reason(record: Record, known: dict[str, Here | str]) -> str:
    """Return why a run may have other numbers here; empty if it must have the same."""
    fields = ("config", "engine", "device", "dtype", "versions", "code", "environment")
    told = {name: record.get(name) for name in fields}
    if told["environment"]:
        told["environment"] = {**told["environment"], "started": None}
    key = repr(told)
    if key not in known:
        known[key] = _here(record)
    here = known[key]
    return here if isinstance(here, str) else _contradiction(record, here)


def _here(record: Record) -> Here | str:
    """Return what a record's settings give here, or why its numbers may be others here."""
    try:
        condition = Condition.from_settings(record.get("config", {}), trusted=False)
        cell, device = condition.build_cell(), choose_device(record["device"])
        check_engine(record["engine"], cell, device)
        run = {"engine": record["engine"], "device": device}
        run |= {"kernel": kernel_identity(record["engine"], cell), "code": code_of(condition)}
        run |= {"sweep": "", "command": "", "tuning": None, "started": ""}
        described = describe_run(condition, Replica(record["seed"], record["lr"]), run)
        reason = "; ".join(differences(record, described))
        return reason or Here(condition, json.loads(encode(described)))
    except Exception as error:  # whatever a record from elsewhere names
        return message_of(error)


def _contradiction(record: Record, here: Here) -> str:
    """Return the first field of a record that contradicts its settings; empty if there is none.

    Fields that an early record lacks do not count.
    """
    run_id = here.condition.run_id(Replica(record["seed"], record["lr"]))
    own = {"run_id": run_id, "seed": record["seed"], "lr": record["lr"]}
    for name, made in {**here.described, **own}.items():
        if name not in FREE and name in record and record[name] != made:
            told = f"{name} {shown(record[name])} there, {shown(made)} by its settings"
            return f"run {record['run_id']} has {told}"
    return ""


def _job(path: Path, name: str, record: Record) -> Job:
    return {
        "name": f"{name}, seed {record['seed']}, rate {record['lr']:g}",
        "record": record,
        "results": str(path),
    }


def rerun(job: Mapping[str, Any], progress: Callable[[Any], None], stop: threading.Event) -> str:
    """Train a run again; return the first difference in words, empty if there is none."""
    record = job["record"]
    condition = condition_of(record)
    recipe = make_recipe(condition, record["engine"], record["device"])
    replica = Replica(record["seed"], record["lr"])
    trainer = Trainer(condition.build_task(), condition.build_cell(), recipe, [replica])
    for outcomes in trainer.run():
        for outcome in outcomes:
            again = decode(encode(finished_record(record, outcome)))
            weights = final_parameters(outcome, record["run_id"])
            return _in_numbers(record, again) or _in_weights(Store(job["results"]), record, weights)
        if stop.is_set():
            break
    return "stopped"


def _in_numbers(stored: Record, again: Record) -> str:
    """Return the first difference between two records in evaluations or results."""
    for before, now in zip(stored["history"], again["history"], strict=False):
        for name in before:
            if before[name] != now.get(name):
                where = f"{name} at step {before['step']}"
                return f"{where} is {before[name]!r} there, {now.get(name)!r} here"
    for name in ENDS:
        if stored.get(name) != again[name]:
            return f"{name} is {stored.get(name)!r} there, {again[name]!r} here"
    counts = len(stored["history"]), len(again["history"])
    return "" if counts[0] == counts[1] else f"{counts[0]} evaluations there, {counts[1]} here"


def _in_weights(store: Store, record: Record, content: bytes) -> str:
    """Return the first difference from the stored parameters; empty where none are stored."""
    try:
        stored, again = load(store.read_parameters(record)), load(content)
    except (FileNotFoundError, NotADirectoryError):  # beside a consolidated file are none
        return ""
    except (OSError, ValueError, SafetensorError) as error:
        path = store.parameters(trained_as(record))
        return f"{path} cannot be read: {message_of(error)}"
    if stored.keys() != again.keys():
        return "the parameters have other names"
    for name, tensor in again.items():
        if stored[name].numpy().tobytes() != tensor.numpy().tobytes():
            return f"{name} differs"
    return ""
