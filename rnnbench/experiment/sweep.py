"""Gather conditions into a sweep, and into the jobs that are left of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.store.settings import label_conditions, name_conditions

NO_TRACKER: Final[Mapping[str, Any]] = {"kind": "none"}


@dataclass(frozen=True)
class Sweep:
    """The different conditions that a command trains into one directory, and how.

    Attributes:
        tracker: kind (wandb or none), mode (auto, online, offline or disabled), project, entity,
            group, tags, notes.
        jobs: conditions, each with its replicas.
        choices: how rates were chosen, by the id of tuned conditions, as far as they are.
        is_tuning: these are the runs from which rates are chosen, in a directory of their own.
        condition_seconds: that one condition may take in a worker; None for no limit.
        command: what was asked for, as it was typed; empty where it was not a command.
        cluster: where to run, see conf/cluster; None: on this machine.
        plan_file: where a dry run writes its plan to; None: nowhere.
        retrain: train runs again that came from other code of an own cell or task.
        baseline: the cell that the report compares each with where there are many.
    """

    name: str
    output_dir: Path
    workers: int
    dry_run: bool
    tracker: Mapping[str, Any]
    jobs: tuple[tuple[Condition, tuple[Replica, ...]], ...]
    choices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_tuning: bool = False
    condition_seconds: float | None = None
    command: str = ""
    cluster: Mapping[str, Any] | None = None
    plan_file: Path | None = None
    retrain: bool = False
    baseline: str = "lstm"

    @cached_property
    def labels(self) -> dict[str, str]:
        """Return of each condition, by its id, its cell with the settings that differ here."""
        return label_conditions({c.condition_id: c.all_settings for c, _ in self.jobs})

    @cached_property
    def names(self) -> dict[str, str]:
        """Return what each condition is called, by its id: task, gap, and its label."""
        return name_conditions(self.asked)

    @property
    def asked(self) -> dict[str, dict[str, Any]]:
        """Return what the manifest says of the conditions, see `rnnbench.store.manifest`."""
        return {
            condition.condition_id: {
                "task": condition.task["name"],
                "cell": condition.cell["name"],
                "gap": condition.task["gap"],
                "settings": condition.all_settings,
                "replicas": [[r.seed, None if condition.tuned else r.lr] for r in replicas],
            }
            for condition, replicas in self.jobs
        }


@dataclass(frozen=True)
class Job:
    """One condition with the replicas that are left to train: what a worker is given.

    Attributes:
        engine: auto until `rnnbench.launcher.engines` has chosen one.
        device: cpu or cuda.
        tuning: how the rate was chosen; None where it was given.
        is_tuning: these are the runs from which a rate is chosen.
        tracker: kind, and for wandb the sweep's own, with the mode (online or offline) found.
        retrain: stored runs of other code count as not trained.
    """

    condition: Condition
    replicas: tuple[Replica, ...]
    output_dir: Path
    engine: str
    device: str
    sweep: str = ""
    command: str = ""
    tuning: Mapping[str, Any] | None = None
    is_tuning: bool = False
    tracker: Mapping[str, Any] = field(default_factory=lambda: NO_TRACKER)
    retrain: bool = False

    @property
    def run_ids(self) -> list[str]:
        return [self.condition.run_id(replica) for replica in self.replicas]
