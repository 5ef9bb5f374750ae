"""Check the configurations of all jobs and gather them into sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnbench.cli.message import ConfigError
from rnnbench.cli.settings import Settings
from rnnbench.cli.validation import check
from rnnbench.experiment.condition import Condition, Replica, Sweep


def make_sweeps(configurations: Sequence[Mapping[str, Any]], command: str = "") -> list[Sweep]:
    """Check the configurations of all jobs, and gather them into a sweep per output directory.

    Jobs of the same condition become one, with the replicas of all.

    Args:
        configurations: one for each job.
        command: what the user typed, to be stored with the results.

    Raises:
        ConfigError: a value is wrong, or jobs of one directory disagree on how to run.
    """
    together: dict[str, list[Settings]] = {}
    for settings in map(check, configurations):
        together.setdefault(settings.output_dir, []).append(settings)
    sweeps = [replace(_make_sweep(group), command=command) for group in together.values()]
    if len(sweeps) > 1 and sweeps[0].plan_file:
        raise ConfigError(f"plan must be null for jobs of several output_dirs, got {len(sweeps)}")
    return sweeps


def _make_sweep(group: list[Settings]) -> Sweep:
    """Make the sweep of jobs that have the same output directory."""
    first = group[0]
    for key in ("name", "workers", "condition_seconds", "dry_run", "plan", "tracker", "cluster"):
        values = [getattr(settings, key) for settings in group]
        if any(value != values[0] for value in values):
            raise ConfigError(f"{key} must be the same in all jobs of {first.output_dir}")
    jobs: dict[str, tuple[Condition, dict[Replica, None]]] = {}
    for settings in group:
        condition = make_condition(settings)
        for rate in settings.trainer.lr:
            lr = None if isinstance(rate, str) else rate
            own = replace(condition, tuned=lr is None)
            _, replicas = jobs.setdefault(own.condition_id, (own, {}))
            replicas.update(dict.fromkeys(Replica(seed, lr) for seed in settings.seeds))
    return Sweep(
        name=first.name,
        output_dir=Path(first.output_dir),
        workers=first.workers,
        condition_seconds=first.condition_seconds,
        dry_run=first.dry_run,
        plan_file=Path(first.plan) if first.plan else None,
        tracker=first.tracker.model_dump(),
        cluster=first.cluster.model_dump() if first.cluster else None,
        jobs=tuple((condition, tuple(replicas)) for condition, replicas in jobs.values()),
    )


def make_condition(settings: Settings) -> Condition:
    """Return the part of the settings that decides a training's numbers, but seed and rate."""
    keys = {"task", "cell", "model", "trainer", "dtype", "engine", "device"}
    own = settings.model_dump(include=keys, exclude={"model": {"match"}, "trainer": {"lr"}})
    try:
        return Condition.from_settings(own, trusted=True, what="the command")
    except ValueError as error:
        raise ConfigError(str(error)) from error
