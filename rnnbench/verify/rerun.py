"""Which stored runs are trained again, and why others cannot be."""

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

from rnnbench.console import message_of
from rnnbench.engine import check_engine, kernel_identity
from rnnbench.experiment.condition import Condition, Replica, condition_of
from rnnbench.store.records import NothingToDo, Record, Store, decode, encode, read_records
from rnnbench.store.rules import shown
from rnnbench.training.machine import choose_device
from rnnbench.training.recording import describe_run, differences, final_parameters, finished_record
from rnnbench.training.trainer import Trainer, make_recipe

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
        condition = Condition.from_settings(record.get("config", {}), trusted=False)
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


ENDS = ("status", "steps", "clipped_steps", "steps_to_solve", "loss", "accuracy", "score")


def rerun(job: Mapping[str, Any], progress: Callable[[Any], None], stop: threading.Event) -> str:
    """Return the first difference, in words; empty where all numbers are the same.

    Args:
        job: as `rnnbench.verify.rerun.make_plan` returns it.
        progress: takes nothing.
        stop: ends the training.
    """
    record = job["record"]
    condition = condition_of(record)
    plan = make_recipe(condition, record["engine"], record["device"])
    replica = Replica(record["seed"], record["lr"])
    trainer = Trainer(condition.build_task(), condition.build_cell(), plan, [replica])
    for outcomes in trainer.run():
        for outcome in outcomes:
            again = decode(encode(finished_record(record, outcome)))
            return _in_numbers(record, again) or _in_weights(
                Store(job["results"]), record, final_parameters(outcome, record["run_id"])
            )
        if stop.is_set():
            break
    return "stopped"


def _in_numbers(stored: Record, again: Record) -> str:
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
    """Compare the trained parameters, where they are stored."""
    try:
        stored, again = load(store.read_parameters(record)), load(content)
    except (FileNotFoundError, NotADirectoryError):  # beside a consolidated file are none
        return ""
    except (OSError, ValueError, SafetensorError) as error:
        path = store.parameters(record["run_id"])
        return f"{path} cannot be read: {message_of(error)}"
    if stored.keys() != again.keys():
        return "the parameters have other names"
    for name, tensor in again.items():
        if stored[name].numpy().tobytes() != tensor.numpy().tobytes():
            return f"{name} differs"
    return ""
