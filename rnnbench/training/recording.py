"""Build the record of a replica, before and after it has trained, and compare two records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from safetensors.torch import save

from rnnbench import __version__
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Job
from rnnbench.model import count_parameters, count_state
from rnnbench.store.records import FORMAT, Record, Store
from rnnbench.store.seals import seal_tensors
from rnnbench.training.code import Code, edited_parts, typed_texts
from rnnbench.training.machine import describe_machine
from rnnbench.training.trainer import Outcome


def describe_run(condition: Condition, replica: Replica, run: Mapping[str, Any]) -> Record:
    """Return all that is known of a run before it has trained.

    `run` has sweep, command, engine, device (both resolved), started (ISO time), tuning (how the
    rate was chosen; None where it was given) and, once they are known, kernel (see
    `rnnbench.engine.kernel_identity`) and code (see `rnnbench.training.code`).
    """
    task, cell = condition.build_task(), condition.build_cell()
    layers = condition.layers
    size = condition.model["hidden_size"]
    environment = {**describe_machine(), "kernel": run.get("kernel"), "started": run["started"]}
    return {
        "format": FORMAT,
        "run_id": condition.run_id(replica),
        "condition_id": condition.condition_id,
        "task": condition.task["name"],
        "cell": condition.cell["name"],
        "gap": task.gap,
        "least_distance": task.distances[0],
        "greatest_distance": task.distances[1],
        "seed": replica.seed,
        "lr": replica.lr,
        "hidden_size": size,
        "num_parameters": count_parameters(task, cell, layers, size),
        "state_size": count_state(task, cell, layers, size),
        "num_layers": layers.num_layers,
        "directions": layers.directions,
        "batch_size": condition.trainer["batch_size"],
        "chance_accuracy": task.chance.accuracy,
        "chance_loss": task.chance.loss,
        "engine": run["engine"],
        "device": run["device"],
        "dtype": condition.dtype,
        "version": __version__,
        "sequence_length": task.sequence_length,
        "load_bits": task.load_bits,
        "plateaus": dict(task.plateaus),
        "init": condition.cell.get("init"),
        # Chrono draws the keep gate's bias itself, and nothing is added.
        "keep_bias": None if cell.init == "chrono" else condition.cell.get("keep_bias"),
        "sweep": run["sweep"],
        "command": run["command"],
        "tuning": run["tuning"],
        "config": condition.settings,
        "versions": condition.versions,
        **({"code": run["code"]} if run.get("code") else {}),
        **({"text": texts} if (texts := typed_texts(condition)) else {}),
        "environment": environment,
    }


def describe_job(
    job: Job, kernel: str | None = None, code: Code | None = None
) -> dict[Replica, Record]:
    """Return what is known of each replica of a job before it has trained."""
    run: dict[str, Any] = {"sweep": job.sweep, "command": job.command, "tuning": job.tuning}
    run |= {"engine": job.engine, "device": job.device, "kernel": kernel, "code": code}
    run["started"] = datetime.now(UTC).isoformat(timespec="seconds")
    return {replica: describe_run(job.condition, replica, run) for replica in job.replicas}


def finished_record(described: Record, outcome: Outcome) -> Record:
    """Return the record of a replica that was trained."""
    seconds = outcome.state.seconds
    sequences = outcome.steps * described["batch_size"]
    return {
        **described,
        "status": outcome.status,
        "steps": outcome.steps,
        "clipped_steps": outcome.clipped_steps,
        "steps_to_solve": outcome.steps_to_solve,
        "loss": outcome.loss,
        "accuracy": outcome.accuracy,
        "score": outcome.score,
        "seconds": seconds,
        "sequences_per_second": sequences / seconds if seconds else math.nan,
        "error": None,
        **({"accuracy_by_age": outcome.accuracy_by_age} if outcome.accuracy_by_age else {}),
        "history": outcome.state.history,
    }


def failed_record(described: Record, error: str) -> Record:
    """Return the record of a replica that could not be trained: it remembers nothing."""
    return {
        **described,
        "status": "failed",
        "steps": 0,
        "clipped_steps": 0,
        "steps_to_solve": None,
        "loss": math.nan,
        "accuracy": described["chance_accuracy"],
        "score": 0.0,
        "seconds": 0.0,
        "sequences_per_second": math.nan,
        "error": error,
        "history": [],
    }


def store_failure(job: Job, error: str) -> None:
    """Store that the replicas of a job which have no result could not be trained, and why."""
    store, described = Store(job.output_dir), describe_job(job).values()
    done = store.trained(record["run_id"] for record in described)
    for record in described:
        if record["run_id"] not in done:
            store.write(failed_record(record, error))


def final_parameters(outcome: Outcome, run_id: str) -> bytes:
    """Return a replica's trained parameters as the bytes of a sealed file that tells their run."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in outcome.parameters.items()}
    return seal_tensors(save(tensors, metadata={"run_id": run_id}))


# Processors, libraries and kernels round differently, and draw differently.
ENVIRONMENT = ("torch", "cpu", "cpu_capability", "gpu", "kernel")


def differences(stored: Record, here: Record) -> list[str]:
    """Return why two runs of one condition and replica may differ, a phrase each; none if nothing.

    How many runs were trained at once, in how many workers, in which order and with how many
    interruptions is no reason. A kernel that one of the two does not tell is not held against them.
    `here` may be what is known of a run before it trains (`describe_run`).
    """
    theirs, ours = _circumstances(stored), _circumstances(here)
    names = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
    if None in (theirs["kernel"], ours["kernel"]) and "kernel" in names:
        names.remove("kernel")  # earlier records do not tell it
    edited = [f"the {part} was edited" for part in edited_parts(stored, here.get("code", {}))]
    return [f"{name} {theirs.get(name)} there, {ours.get(name)} here" for name in names] + edited


def _circumstances(record: Record) -> dict[str, Any]:
    versions = {f"{part} version": number for part, number in record.get("versions", {}).items()}
    run = {name: record[name] for name in ("engine", "device", "dtype")}
    environment = record.get("environment", {})
    return versions | run | {name: environment.get(name) for name in ENVIRONMENT}
