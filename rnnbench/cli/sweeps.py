"""Check the configurations of all jobs, and gather them into sweeps.

Every value is checked before anything starts; a mistake is one line that names the key.
"""

from __future__ import annotations

import inspect
import os
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import ErrorDetails

from rnnbench.cell import Cell
from rnnbench.cells import LSTM
from rnnbench.cli.message import hint
from rnnbench.cli.settings import Section, Settings
from rnnbench.console import Mistake, mistakes, warn
from rnnbench.engine import check_engine
from rnnbench.experiment.class_path import find_class, is_handed, is_shipped, stored_path
from rnnbench.experiment.condition import Condition, Replica, arguments_of
from rnnbench.experiment.limits import SCHEDULES
from rnnbench.experiment.sweep import Sweep
from rnnbench.layers import Layers
from rnnbench.model import count_parameters, matched_size
from rnnbench.store.rules import LONGEST_NAME, is_name
from rnnbench.task import Task
from rnnbench.training.machine import choose_device

# Many jobs of a sweep have the same cell or task: each is built once, and a kernel compiled once.
_built: dict[tuple[type, str], Any] = {}
_warn_once = cache(warn)


def make_sweeps(configurations: Sequence[Mapping[str, Any]], command: str = "") -> list[Sweep]:
    """Check the configurations of all jobs, and gather them into a sweep per output directory.

    Jobs of the same condition become one, with the replicas of all. `command` is what the user
    typed, to be stored with the results.

    Raises:
        Mistake: a value is wrong, or jobs of one directory disagree on how to run.
    """
    together: dict[str, list[Settings]] = {}
    for settings in map(check_settings, configurations):
        together.setdefault(settings.output_dir, []).append(settings)
    sweeps = [replace(_make_sweep(group), command=command) for group in together.values()]
    if len(sweeps) > 1 and sweeps[0].plan_file:
        raise Mistake(f"plan must be null for jobs of several output_dirs, got {len(sweeps)}")
    return sweeps


def _make_sweep(group: list[Settings]) -> Sweep:
    """Make the sweep of jobs that have the same output directory."""
    first = group[0]
    alike = ("workers", "condition_seconds", "retrain", "dry_run", "plan")
    for key in (*alike, "tracker", "report", "cluster"):
        values = [getattr(settings, key) for settings in group]
        if any(value != values[0] for value in values):
            raise Mistake(f"{key} must be the same in all jobs of {first.output_dir}")
    jobs: dict[str, tuple[Condition, dict[Replica, None]]] = {}
    for settings in group:
        condition = make_condition(settings)
        for rate in settings.trainer.lr:
            lr = None if isinstance(rate, str) else rate
            own = replace(condition, tuned=lr is None)
            _, replicas = jobs.setdefault(own.condition_id, (own, {}))
            replicas.update(dict.fromkeys(Replica(seed, lr) for seed in settings.seeds))
    return Sweep(
        name=_common_name([settings.name for settings in group]),
        output_dir=Path(first.output_dir),
        workers=first.workers,
        condition_seconds=first.condition_seconds,
        retrain=first.retrain,
        baseline=first.report.baseline,
        dry_run=first.dry_run,
        plan_file=Path(first.plan) if first.plan else None,
        tracker=first.tracker.model_dump(),
        cluster=first.cluster.model_dump() if first.cluster else None,
        jobs=tuple((condition, tuple(replicas)) for condition, replicas in jobs.values()),
    )


def _common_name(names: Sequence[str]) -> str:
    """Return the jobs' one name, or one of all their words."""
    if len(set(names)) == 1:
        return names[0]
    return "-".join(dict.fromkeys("-".join(names).split("-")))[:LONGEST_NAME]


def make_condition(settings: Settings) -> Condition:
    """Make the condition from the settings that decide a run's numbers; leave out seed and rate."""
    keys = {"task", "cell", "model", "trainer", "tuning", "dtype", "engine", "device"}
    own = settings.model_dump(include=keys, exclude={"model": {"match"}, "trainer": {"lr"}})
    with mistakes(ValueError):
        return Condition.from_settings(own, trusted=True, what="the command")


def check_settings(configuration: Mapping[str, Any]) -> Settings:
    """Check a job's settings; fill in its task's and cell's defaults, and the hidden size.

    Raises:
        Mistake: a key is unknown or missing, or a value has a wrong type or range.
    """
    try:
        settings = Settings.model_validate(dict(configuration))
    except ValidationError as error:
        raise Mistake(_describe(error, (), Settings.model_fields)) from error
    section = {key: value for key, value in settings.task.items() if key != "gap_schedule"}
    task = _check_section(section, Task, "task") | _check_schedule(settings)
    cell = _check_section(settings.cell, Cell, "cell")
    built = _build(task, Task, "task"), _build(cell, Cell, "cell")
    with mistakes(ValueError):
        gpus = settings.cluster.gpus if settings.cluster else None
        check_engine(settings.engine, built[1], choose_device(settings.device, gpus))
    _check_writable(Path(settings.output_dir), "output_dir")
    if settings.plan:
        if not settings.dry_run:
            raise Mistake(f"plan must be null unless dry_run=true, got {settings.plan!r}")
        _check_writable(Path(settings.plan).parent, "plan's directory")
    model = settings.model
    with mistakes(ValueError):
        layers = Layers.of(model.model_dump())
        size = matched_size(model.match, model.hidden_size, *built, LSTM(), layers)
        count_parameters(*built, layers, size)  # some cells cannot have every size
    model = model.model_copy(update={"hidden_size": size})
    return settings.model_copy(update={"task": task, "cell": cell, "model": model})


def _check_schedule(settings: Settings) -> dict[str, str]:
    """Return the task's gap schedule, under its key."""
    schedule = settings.task.get("gap_schedule", SCHEDULES[0])
    if schedule not in SCHEDULES:
        rule = f"be one of {', '.join(SCHEDULES)}"
        raise Mistake(f"task.gap_schedule must {rule}, got {schedule!r}")
    if schedule != SCHEDULES[0] and settings.trainer.train_set_size is not None:
        rule = "be fixed where trainer.train_set_size is given"
        raise Mistake(f"task.gap_schedule must {rule}, got {schedule!r}")
    return {"gap_schedule": schedule}


def _check_section(section: Mapping[str, Any], kind: type, key: str) -> dict[str, Any]:
    """Check the settings of a task or cell by the signature of its class."""
    for name in ("_target_", "name"):
        if not is_name(section.get(name)):  # as a record takes it
            raise Mistake(f"{key}.{name} must be a name, got {section.get(name)!r}")
    section = {**section, "_target_": stored_path(section["_target_"])}
    model = _arguments_model(_find(section, kind, key))
    try:
        checked = model.model_validate(arguments_of(section))
    except ValidationError as error:
        raise Mistake(_describe(error, (key,), model.model_fields, section["name"])) from error
    values = {name: getattr(checked, name) for name in model.model_fields}
    full = {"_target_": section["_target_"], "name": section["name"], **values}
    _build(full, kind, key)
    return full


def _find(section: Mapping[str, Any], kind: type, key: str) -> Any:
    path = section["_target_"]
    try:
        found = find_class(path, kind, key)
    except ValueError as error:
        reason = f": {error.__cause__}" if error.__cause__ else ""
        raise Mistake(" ".join(f"{error}{reason}".split())) from error
    known = is_shipped(path) or is_handed(path)
    if not known and found.__module__ != path.rpartition(".")[0]:
        _warn_once(
            f"{key}._target_ should be {found.__module__}.{found.__qualname__}, where it is "
            f"written, or stored runs cannot be measured, got {path}"
        )
    return found


def _build(section: Mapping[str, Any], kind: type, key: str) -> Any:
    """Build a task or cell, once for the same class and arguments."""
    found, arguments = _find(section, kind, key), arguments_of(section)
    content = (found, repr(sorted(arguments.items())))
    if content not in _built:
        try:
            _built[content] = found(**arguments)
        except ValueError as error:
            raise Mistake(f"{key}.{' '.join(str(error).split())}") from error
    return _built[content]


@cache
def _arguments_model(kind: type) -> type[BaseModel]:
    """Make a pydantic model of a constructor's arguments, of their types and defaults."""
    try:
        hints = typing.get_type_hints(kind.__init__)  # type: ignore[misc]
    except NameError as error:
        raise Mistake(f"{kind.__name__}: an annotation cannot be read: {error}") from error
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            raise Mistake(f"{kind.__name__}.__init__ must name its arguments, got **{name}")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints.get(name, Any), default)
    return create_model(kind.__name__, __base__=Section, **fields)


def _describe(
    error: ValidationError, prefix: Iterable[str], known: Iterable[str], owner: str = ""
) -> str:
    """Return what is wrong with the first wrong value, in a line; `owner` is a task or cell."""
    first = error.errors()[0]
    loc = first["loc"]
    if loc[:1] == ("cluster",):  # next comes the kind, by which pydantic tells its settings apart
        loc = loc[:1] + loc[2:]
    key = ".".join([*prefix, *map(str, loc)])
    if first["type"].startswith("union_tag"):
        return f"cluster.kind must be slurm or ray, got {first['input'].get('kind')!r}"
    if first["type"] == "extra_forbidden":
        return f"{key} is not an option{f' of {owner}' if owner else ''}{_hint(first, known)}"
    if first["type"] == "missing":
        return f"{key} must be given"
    rule = re.sub(r"^(Value error, |(Input|String) should )", "", first["msg"])
    if first["type"] == "string_pattern_mismatch":
        rule = "be letters, digits, dots, dashes and underscores"
    if first["type"] in ("model_type", "dict_type"):
        names = getattr(_section_of(first["loc"]), "model_fields", ())
        rule = f"be set by its keys{f', as in {key}.{next(iter(names))}=...' if names else ''}"
    return f"{key} must {rule}, got {first['input']!r}{_several(key, first)}"


def _several(key: str, error: ErrorDetails) -> str:
    """Return how several values are asked for, where a list stands for a single one."""
    values = error["input"]
    if not isinstance(values, list) or not values or error["type"] == "value_error":
        return " (true or false)" if error["type"] == "bool_type" else ""
    if not all(isinstance(value, int | float | str) for value in values):
        return ""
    return f" (several: {key}={','.join(map(str, values))})"


def _hint(error: ErrorDetails, known: Iterable[str]) -> str:
    *section, word = error["loc"]
    if section:
        known = getattr(_section_of(section), "model_fields", {}) or known
    return hint(str(word), known)


def _section_of(place: Sequence[int | str]) -> Any:
    """Return the class of the section where an error lies; None where there is none."""
    field = Settings.model_fields.get(str(place[0]))
    return field and field.annotation


def _check_writable(directory: Path, key: str) -> None:
    """Check that a directory is there or can be made, without making it."""
    place = directory.absolute()
    try:
        place = next(path for path in (place, *place.parents) if path.exists())
    except OSError as error:
        raise Mistake(f"{key} must be a place for a directory: {error}") from error
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        reason = "is not a directory" if not place.is_dir() else "cannot be written to"
        found = f"{directory} ({place} {reason})"
        raise Mistake(f"{key} must be a place for a directory, got {found}")
