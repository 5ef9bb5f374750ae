"""Train one stored run again, alone, and find the first number that differs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load

from rnnbench.condition import Replica
from rnnbench.errors import message_of
from rnnbench.recording import final_parameters, finished_record
from rnnbench.records import Record, Store, decode, encode
from rnnbench.stored_condition import condition_of
from rnnbench.trainer import Trainer
from rnnbench.worker import training_plan

ENDS = ("status", "steps", "clipped_steps", "steps_to_solve", "loss", "accuracy", "score")


def rerun(job: Mapping[str, Any], progress: Callable[[Any], None], stop: threading.Event) -> str:
    """Return the first difference, in words; empty where all numbers are the same.

    Args:
        job: as `rnnbench.verify.plan.make_plan` returns it.
        progress: takes nothing.
        stop: ends the training.
    """
    record = job["record"]
    condition = condition_of(record)
    plan = training_plan(condition, record["engine"], record["device"])
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
