"""What a sweep still has to do, and in which order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnbench.condition import Condition, Replica, Sweep
from rnnbench.records import FINISHED, Record, Store

Job = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The part of a sweep that is not stored yet.

    Attributes:
        sweep: the whole of it.
        jobs: what `rnnbench.worker.run_job` takes but for the tracker, costliest first.
        costs: of each job, in arbitrary units.
        stored: run ids that were finished before.
    """

    sweep: Sweep
    jobs: tuple[Job, ...]
    costs: tuple[float, ...]
    stored: frozenset[str]

    @property
    def skipped(self) -> int:
        """Return how many replicas were finished before."""
        replicas = sum(len(replicas) for _, replicas in self.sweep.jobs)
        return replicas - sum(len(job["replicas"]) for job in self.jobs)

    @property
    def workers(self) -> int:
        """Return how many processes are of use; a sweep's 0 stands for one per core."""
        return max(1, min(self.sweep.workers or cores(), len(self.jobs)))


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_plan(sweep: Sweep) -> Plan:
    """Drop the replicas that are finished, resolve the device, put the longest first.

    Replicas whose rate is not chosen yet are left out. Nothing is written. The longest job comes
    first so that all processes end together.

    Raises:
        ValueError: a device is not to be had here.
    """
    store = Store(sweep.output_dir)
    records = stored_records(sweep).items()
    stored = frozenset(key for key, record in records if store.is_finished(record))
    costs_and_jobs = []
    for condition, replicas in sweep.jobs:
        left = [r for r in replicas if r.lr is not None and condition.run_id(r) not in stored]
        if left:
            costs_and_jobs.append((cost_of(condition, len(left)), _job(sweep, condition, left)))
    costs_and_jobs.sort(key=lambda pair: -pair[0])
    jobs = tuple(job for _, job in costs_and_jobs)
    return Plan(sweep, jobs, tuple(cost for cost, _ in costs_and_jobs), stored)


def stored_records(sweep: Sweep) -> Mapping[str, Record]:
    """Return the records in a sweep's directory, by run id; none where there is no directory.

    Raises:
        OSError: one is there and cannot be read, which is no reason to train it again.
    """
    return Store(sweep.output_dir).runs(strict=True) if sweep.output_dir.exists() else {}


def finished(records: Mapping[str, Record]) -> frozenset[str]:
    """Return the run ids that need no training; failed ones run again."""
    return frozenset(key for key, record in records.items() if record["status"] in FINISHED)


def cost_of(condition: Condition, replicas: int) -> float:
    """Estimate a training's length, in arbitrary units, to order and weigh the conditions."""
    gates = max(1, len(condition.build_cell().gates))
    model = condition.model
    layers = model["num_layers"] * (2 if model["bidirectional"] else 1)
    size: int = model["hidden_size"] * layers * condition.trainer["batch_size"]
    return trained_time_steps(condition) * replicas * gates * size


def trained_time_steps(condition: Condition) -> float:
    """Return the time steps of a training's sequences, summed over its steps."""
    from rnnbench.data import mean_time_steps

    steps: int = condition.trainer["steps"]
    return steps * mean_time_steps(condition.build_task(), condition.gap_schedule, steps)


def _job(sweep: Sweep, condition: Condition, replicas: list[Replica]) -> Job:
    from rnnbench.machine import choose_device

    gpus = sweep.cluster["gpus"] if sweep.cluster else None
    return {
        "condition": condition,
        "replicas": replicas,
        "output_dir": str(sweep.output_dir),
        "sweep": sweep.name,
        "engine": condition.engine,
        "device": choose_device(condition.device, gpus),
        "tuning": sweep.choices.get(condition.condition_id),
        "is_tuning": sweep.is_tuning,
        "command": sweep.command,
    }
