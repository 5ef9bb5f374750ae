"""What a sweep still has to do, and in which order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from rnnbench.experiment.condition import Condition, Replica, Sweep
from rnnbench.store.records import Store, stored_records

Job = dict[str, Any]


@dataclass(frozen=True)
class Remaining:
    """The part of a sweep that is not stored yet.

    Attributes:
        sweep: the whole of it.
        jobs: what `rnnbench.launcher.worker.run_job` takes but for the tracker, costliest first.
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


def find_remaining(sweep: Sweep) -> Remaining:
    """Drop the replicas that are finished, resolve the device, put the longest first.

    Replicas whose rate is not chosen yet are left out. Nothing is written. The longest job comes
    first so that all processes end together.

    Raises:
        ValueError: a device is not to be had here.
    """
    store = Store(sweep.output_dir)
    records = stored_records(sweep.output_dir).items()
    stored = frozenset(key for key, record in records if store.is_finished(record))
    costs_and_jobs = []
    for condition, replicas in sweep.jobs:
        left = [r for r in replicas if r.lr is not None and condition.run_id(r) not in stored]
        if left:
            costs_and_jobs.append((cost_of(condition, len(left)), _job(sweep, condition, left)))
    costs_and_jobs.sort(key=lambda pair: -pair[0])
    jobs = tuple(job for _, job in costs_and_jobs)
    return Remaining(sweep, jobs, tuple(cost for cost, _ in costs_and_jobs), stored)


def cost_of(condition: Condition, replicas: int) -> float:
    """Estimate a training's length, in arbitrary units, to order and weigh the conditions."""
    gates = max(1, len(condition.build_cell().gates))
    model = condition.model
    layers = model["num_layers"] * (2 if model["bidirectional"] else 1)
    size: int = model["hidden_size"] * layers * condition.trainer["batch_size"]
    return trained_time_steps(condition) * replicas * gates * size


def trained_time_steps(condition: Condition) -> float:
    """Return the time steps of a training's sequences, summed over its steps."""
    from rnnbench.training.data import mean_time_steps

    steps: int = condition.trainer["steps"]
    return steps * mean_time_steps(condition.build_task(), condition.gap_schedule, steps)


def _job(sweep: Sweep, condition: Condition, replicas: list[Replica]) -> Job:
    from rnnbench.training.machine import choose_device

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
