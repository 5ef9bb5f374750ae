"""Describe a training by its condition: all that decides its numbers but seed and rate."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from rnnbench.console import message_of
from rnnbench.experiment.class_path import check_path, find_class, is_shipped
from rnnbench.experiment.limits import LATER, NEEDED, OPTIONAL, SETTINGS
from rnnbench.store.records import Record
from rnnbench.store.rules import SECTION, TRUTH, check_fields
from rnnbench.store.schema import check_told
from rnnbench.store.settings import Settings, digest, settings_of

if TYPE_CHECKING:
    from rnnbench.cell import Cell
    from rnnbench.layers import Layers
    from rnnbench.task import Task

# Raised whenever a model of the same parameters, or a training of the same seed, gives other
# numbers: results of before and after then have different ids, and are never one curve.
MODEL_VERSION = 1
TRAINER_VERSION = 2
# Keys in the settings of a task or cell that are not arguments of its class.
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
        model: hidden_size, and what `layers` is made of.
        trainer: steps, batch_size, clip_norm, optimizer, ...; everything but the rates.
        dtype: float32 or float64.
        engine: as configured, auto included.
        device: as configured, auto included.
        tuned: its learning rate is chosen by `rnnbench.experiment.tuning`, not given.
        tuning: how, where it is: rates (the first grid), per (gap or task), seeds (at a rate).
    """

    task: Mapping[str, Any]
    cell: Mapping[str, Any]
    model: Mapping[str, Any]
    trainer: Mapping[str, Any]
    dtype: str
    engine: str
    device: str
    tuned: bool = False
    tuning: Mapping[str, Any] = field(default_factory=lambda: LATER["tuning"])

    @classmethod
    def from_settings(cls, settings: Any, *, trusted: bool, what: str = "a record") -> Condition:
        """Check settings of a command, a plan or a record, and make their condition.

        Settings that came later, and that these may lack, get their defaults.

        Args:
            settings: as the property `settings` returns them; errors call them those of `what`.
            trusted: the user wrote them; else the paths of the classes are checked, too.

        Raises:
            ValueError: a setting is out of bounds, or task or cell cannot be built, or the model
                cannot be wired to them; one line.
        """
        _check_settings(settings, what)
        condition = cls(**settings)
        try:
            if not trusted:
                condition._check_paths()
            filled: dict[str, Any] = {
                part: {**condition._later(part), **settings.get(part, {})} for part in NEEDED
            }
            condition = replace(condition, **filled)
            built = condition.build_task(), condition.build_cell()
        except Exception as error:  # whatever a constructor raises of wrong arguments
            reason = message_of(error)
            raise ValueError(f"{what}'s config must have a task and a cell: {reason}") from error
        condition.layers.check(*built)
        for part, version in condition.versions.items():
            if type(version) is not int or version < 0:
                raise ValueError(f"{part}'s version must be a whole number, got {version!r}")
        return condition

    @property
    def name(self) -> str:
        varying = "" if self.gap_schedule == "fixed" else f", {self.gap_schedule} gaps"
        return f"{self.task['name']} gap {self.task['gap']} {self.cell['name']}{varying}"

    @property
    def settings(self) -> dict[str, Any]:
        """Return the condition as nested plain values, ready for JSON.

        What came after results were stored is left out at its default: ids stay for good.
        """
        settings = asdict(self)
        for part in LATER:
            section = settings[part] if part else settings
            for name, default in self._later(part).items():
                if name in section and section[name] == default:
                    del section[name]
        if not (self.tuned and settings["tuning"]):
            del settings["tuning"]
        return settings

    @cached_property
    def condition_id(self) -> str:
        """Return the hash of all settings, and of the versions of what they set."""
        return digest({"settings": self.settings, "versions": self.versions})

    @property
    def versions(self) -> dict[str, int]:
        """Return the versions of task, cell, model and trainer: raised when numbers change."""
        own = {part: self._find(part).version for part in ("task", "cell")}
        return {**own, "model": MODEL_VERSION, "trainer": TRAINER_VERSION}

    @property
    def all_settings(self) -> Settings:
        """Return every setting but the gap, and the versions, by name: those of its curve."""
        names = {"task": self.task["name"], "cell": self.cell["name"]}
        return settings_of({**names, "config": self.settings, "versions": self.versions})

    @property
    def layers(self) -> Layers:
        from rnnbench.layers import Layers  # here, as it takes torch

        return Layers.of(self.model)

    @property
    def gap_schedule(self) -> str:
        return str(self.task.get("gap_schedule", "fixed"))

    def run_id(self, replica: Replica) -> str:
        """Return the hash of the condition with a seed and a rate."""
        return digest({"condition": self.condition_id, "seed": replica.seed, "lr": replica.lr})

    def build_task(self) -> Task:
        """Return a new task."""
        return cast("Task", self._find("task")(**arguments_of(self.task)))

    def build_cell(self) -> Cell:
        """Return a new cell."""
        cell = cast("Cell", self._find("cell")(**arguments_of(self.cell)))
        if not hasattr(cell, "init"):
            kind = type(cell).__name__
            raise ValueError(f"{kind}.__init__ must call super().__init__(init=init)")
        return cell

    @property
    def own_classes(self) -> dict[str, type]:
        """Return the classes of task and cell, of those that are not shipped, by their paths."""
        paths = {part: getattr(self, part)["_target_"] for part in ("task", "cell")}
        own = {part: path for part, path in paths.items() if not is_shipped(path)}
        return {path: self._find(part) for part, path in own.items()}

    def _check_paths(self) -> None:
        """Check that the classes that these settings name may be imported, see `check_path`."""
        check_path(self.task["_target_"], "task")
        check_path(self.cell["_target_"], "cell")
        if is_shipped(self.cell["_target_"]) and "module" in self.cell:
            check_path(str(self.cell["module"]), "cell.module")

    def _later(self, part: str) -> dict[str, Any]:
        """Return what came to a part after results were stored, with its defaults."""
        added = added_arguments(self._find(part)) if part in ("task", "cell") else {}
        return {**LATER[part], **added}

    def _find(self, part: str) -> Any:
        from rnnbench.cell import Cell  # here, as these take torch
        from rnnbench.task import Task

        return find_class(getattr(self, part)["_target_"], Task if part == "task" else Cell, part)


def _check_settings(settings: Any, what: str) -> None:
    """Check everything in a condition's settings but the insides of task and cell."""
    optional = {"tuned": TRUTH, "tuning": SECTION}
    check_fields(settings, SETTINGS, optional, f"{what}'s config")
    _check_known(settings, {*SETTINGS, *optional}, f"{what}'s config")
    for part, needed in NEEDED.items():
        found, more = settings.get(part, {}), OPTIONAL.get(part, {})
        check_fields(found, needed, more, f"{what}'s {part}")
        if part not in ("task", "cell"):  # which have the arguments of their classes
            _check_known(found, {*needed, *more, *LATER[part]}, f"{what}'s {part}")
    precision = settings["model"].get("precision", LATER["model"]["precision"])
    fast = settings["engine"] == "triton" and settings["dtype"] == "float32"
    if precision != LATER["model"]["precision"] and not fast:
        rule = "must be strict unless engine=triton and dtype=float32"
        raise ValueError(f"{what}'s model.precision {rule}, got {precision}")


def _check_known(found: Mapping[str, Any], known: Set[str], what: str) -> None:
    unknown = found.keys() - known
    if unknown:
        raise ValueError(f"{what} must not have {', '.join(sorted(unknown))}")


def arguments_of(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constructor arguments among the settings of a task or cell."""
    return {key: value for key, value in section.items() if key not in NOT_ARGUMENTS}


def added_arguments(kind: type) -> dict[str, Any]:
    """Return the constructor arguments that a class and its bases name in `added`, with defaults.

    What a base names is passed over where the class's own constructor has no such argument.

    Raises:
        ValueError: the class itself names what is no argument with a default.
    """
    added = [name for base in kind.__mro__ for name in vars(base).get("added", ())]
    arguments = inspect.signature(kind).parameters if added else {}
    defaults = {name: arguments[name].default for name in added if name in arguments}
    for name in vars(kind).get("added", ()):
        if defaults.get(name, inspect.Parameter.empty) is inspect.Parameter.empty:
            raise ValueError(f"added must name arguments with a default, got {name!a}")
    return defaults


def condition_of(record: Record) -> Condition:
    """Return the condition of a record, and check that the record agrees with it.

    Raises:
        ValueError: its settings are wrong, or other fields, or its ids, are those of other
            settings, or its task or cell cannot be built; one line.
    """
    condition = Condition.from_settings(record.get("config", {}), trusted=False)
    check_told(record)
    if record.get("versions") == condition.versions:  # of others, ids cannot be made here
        run_id = condition.run_id(Replica(record["seed"], record["lr"]))
        for name, made in (("condition_id", condition.condition_id), ("run_id", run_id)):
            if record[name] != made:
                raise ValueError(f"a record's {name} must be that of its settings, {made}")
    return condition
