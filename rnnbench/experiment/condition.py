"""A condition: everything that decides a training's numbers but its seed and learning rate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from rnnbench.console import message_of
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.limits import MAX_LAYERS, MAX_SET, MAX_SIZE, MAX_STEPS
from rnnbench.store.records import Record
from rnnbench.store.rules import NAME, SECTION, TEXT, TRUTH, Rule, Rules, check_fields, whole
from rnnbench.store.schema import check_told

if TYPE_CHECKING:
    from rnnbench.cell import Cell
    from rnnbench.task import Task


# Raised whenever a model of the same parameters, or a training of the same seed, gives other
# numbers: results of before and after are never one curve.
MODEL_VERSION = 1
TRAINER_VERSION = 2


# Keys of a task's or cell's section that are not arguments of its class.
NOT_ARGUMENTS: Final = ("_target_", "name", "gap_schedule")


class Replica(NamedTuple):
    """One seed at one learning rate; None for the rate that tuning will choose."""

    seed: int
    lr: float | None


@dataclass(frozen=True)
class Condition:
    """One task at one gap, one cell, one set of hyper-parameters, as plain values.

    Attributes:
        task: `_target_` (dotted path of the class), `name`, every constructor argument, and
            `gap_schedule` (uniform or growing) where training is not at the one gap.
        cell: likewise, without a schedule.
        model: hidden_size, num_layers, bidirectional.
        trainer: steps, batch_size, clip_norm, optimizer, ...; everything but the rates.
        dtype: float32 or float64.
        engine: as configured, auto included.
        device: as configured, auto included.
        tuned: its learning rate is chosen by `rnnbench.experiment.tuning`, not given.
    """

    task: Mapping[str, Any]
    cell: Mapping[str, Any]
    model: Mapping[str, Any]
    trainer: Mapping[str, Any]
    dtype: str
    engine: str
    device: str
    tuned: bool = False

    @property
    def name(self) -> str:
        varying = "" if self.gap_schedule == "fixed" else f", {self.gap_schedule} gaps"
        return f"{self.task['name']} gap {self.task['gap']} {self.cell['name']}{varying}"

    @property
    def settings(self) -> dict[str, Any]:
        """Return the condition as nested plain values, ready for JSON.

        `tuned` and `gap_schedule` came later than others, and are left out where they say
        nothing new: so earlier results keep their identity.
        """
        return {
            "task": dict(self.task),
            "cell": dict(self.cell),
            "model": dict(self.model),
            "trainer": dict(self.trainer),
            "dtype": self.dtype,
            "engine": self.engine,
            "device": self.device,
            **({"tuned": True} if self.tuned else {}),
        }

    @cached_property
    def condition_id(self) -> str:
        """Return the hash of all settings, and of the versions of what they set."""
        return digest({"settings": self.settings, "versions": self.versions})

    @property
    def versions(self) -> dict[str, int]:
        """Return the versions of task, cell, model and trainer: raised when numbers change."""
        from rnnbench.cell import Cell
        from rnnbench.task import Task

        return {
            "task": find_class(self.task["_target_"], Task, "task").version,
            "cell": find_class(self.cell["_target_"], Cell, "cell").version,
            "model": MODEL_VERSION,
            "trainer": TRAINER_VERSION,
        }

    @property
    def gap_schedule(self) -> str:
        schedule: str = self.task.get("gap_schedule", "fixed")
        return schedule

    def run_id(self, replica: Replica) -> str:
        return digest({"condition": self.condition_id, "seed": replica.seed, "lr": replica.lr})

    def build_task(self) -> Task:
        from rnnbench.task import Task

        found = find_class(self.task["_target_"], Task, "task")
        return cast(Task, found(**arguments_of(self.task)))

    def build_cell(self) -> Cell:
        from rnnbench.cell import Cell

        found = find_class(self.cell["_target_"], Cell, "cell")
        return cast(Cell, found(**arguments_of(self.cell)))


@dataclass(frozen=True)
class Sweep:
    """What the command line hands to the launcher: distinct conditions for one output directory.

    Attributes:
        tracker: kind (wandb or none), mode (auto, online or offline), project, entity.
        jobs: conditions, each with its replicas.
        choices: how rates were chosen, by the id of tuned conditions, as far as they are.
        is_tuning: these are the runs from which rates are chosen, in a directory of their own.
        condition_seconds: that one condition may take in a worker; None for no limit.
        command: what was asked for, as it was typed; empty where it was not a command.
        cluster: where to run, see conf/cluster; None: on this machine.
        plan_file: where a dry run writes its plan to; None: nowhere.
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

    @property
    def asked(self) -> dict[str, dict[str, Any]]:
        """Return what is asked for, as the manifest has it, see `rnnbench.store.manifest`."""
        return {
            condition.condition_id: {
                "name": condition.name,
                "task": condition.task["name"],
                "cell": condition.cell["name"],
                "gap": condition.task["gap"],
                "replicas": [[r.seed, None if condition.tuned else r.lr] for r in replicas],
            }
            for condition, replicas in self.jobs
        }


NO_TRACKER: Final[Mapping[str, Any]] = {"kind": "none"}


@dataclass(frozen=True)
class Job:
    """One condition with the replicas that are left to train: what a worker is given.

    Attributes:
        engine: auto until `rnnbench.launcher.engines` has chosen one.
        device: cpu or cuda.
        tuning: how the rate was chosen; None where it was given.
        is_tuning: these are the runs from which a rate is chosen.
        tracker: kind, and for wandb mode (online or offline), project and entity.
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

    @property
    def run_ids(self) -> list[str]:
        return [self.condition.run_id(replica) for replica in self.replicas]


def digest(value: object) -> str:
    """Return 16 hex digits that depend on the value's content alone (canonical JSON, SHA-256)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def arguments_of(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's or cell's constructor arguments from its section of the configuration."""
    return {key: value for key, value in section.items() if key not in NOT_ARGUMENTS}


# As the command line bounds them: a small file must not ask for hours or for all memory.
SIZE, LAYERS = whole(1, MAX_SIZE), whole(1, MAX_LAYERS)
STEPS, SET = whole(1, MAX_STEPS), whole(1, MAX_SET)
SECTIONS: Rules = {
    **{"task": SECTION, "cell": SECTION, "model": SECTION, "trainer": SECTION},
    **{"dtype": Rule("float32 or float64", lambda value: value in ("float32", "float64"))},
    **{"engine": NAME, "device": NAME},
}
PARTS: dict[str, tuple[Rules, Rules]] = {
    "task": ({"_target_": NAME, "name": NAME, "gap": SIZE}, {"gap_schedule": NAME}),
    "cell": ({"_target_": NAME, "name": NAME}, {}),
    "model": ({"hidden_size": SIZE, "num_layers": LAYERS, "bidirectional": TRUTH}, {}),
    "trainer": (
        {"steps": STEPS, "batch_size": SIZE, "eval_every": STEPS, "eval_size": SET},
        {"optimizer": TEXT, "train_set_size": SET.or_none},
    ),
}


def condition_of(record: Record) -> Condition:
    """Return a record's condition, of which task and cell can be built.

    Raises:
        ValueError: the record tells of none, or of another beside it, or has the id of another
            condition or run, or its task or cell cannot be built; one line.
    """
    condition = condition_from(record.get("config", {}), "a record's config")
    check_told(record)
    if record.get("versions") == condition.versions:  # of others, ids cannot be made here
        _check_ids(record, condition)
    return condition


def _check_ids(record: Record, condition: Condition) -> None:
    run_id = condition.run_id(Replica(record["seed"], record["lr"]))
    for name, made in (("condition_id", condition.condition_id), ("run_id", run_id)):
        if record[name] != made:
            raise ValueError(f"a record's {name} must be that of its settings, {made}")


def condition_from(config: Any, what: str) -> Condition:
    """Return the condition whose settings were stored.

    Args:
        config: the settings.
        what: they are, in words, for errors.

    Raises:
        ValueError: they are none, or their task or cell cannot be built; one line.
    """
    check_fields(config, SECTIONS, {"tuned": TRUTH}, what)
    unknown = config.keys() - SECTIONS.keys() - {"tuned"}
    if unknown:
        raise ValueError(f"{what} must not have {', '.join(sorted(unknown))}")
    for part, (needed, optional) in PARTS.items():
        check_fields(config[part], needed, optional, f"{what}.{part}")
    condition = Condition(**config)
    try:
        condition.build_task()
        condition.build_cell()
    except Exception as error:  # whatever a constructor raises of arguments that are not its own
        raise ValueError(f"{what} must have a task and a cell: {message_of(error)}") from error
    return condition


def is_buildable(record: Record) -> bool:
    """Return whether a record tells of a condition whose task and cell can be built here."""
    try:
        condition_of(record)
    except ValueError:
        return False
    return True
