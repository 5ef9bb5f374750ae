"""Tell what a run was set to, and name the curves of a plot by the settings that differ.

A curve is what a condition is, less its gap: two runs are of one curve where every setting of
task, cell, model and trainer, and the versions of these, agree.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

from rnnbench.store.rules import is_name, shown
from rnnbench.store.schema import COLUMNS, TOLD

Settings = dict[str, Any]
Key = TypeVar("Key", bound=Hashable)
SEPARATOR = ", "
PARTS = ("task", "cell", "model", "trainer", "tuning")
# The settings that have a column in `load_results`, and its name.
NAMES: dict[tuple[str, ...], str] = {
    **{place: name for name, place in TOLD.items()},
    **{("cell", name): name for name in ("init", "keep_bias")},
    **{s[1:] + (key,): name for name, (s, key, _) in COLUMNS.items() if s[:1] == ("config",)},
}
# What these were before they could be set.
BEFORE: Settings = {
    "lr_choice": "given",
    "num_layers": 1,
    "directions": 1,
    "gap_schedule": "fixed",
    "optimizer": "adam",
    "clip_value": None,
    "train_set_size": None,
}
# What a record tells beside its `config`, and alone where it has none.
BESIDE = "hidden_size num_layers directions batch_size init keep_bias engine device dtype".split()
TUNED = "tuned lr"
# How a setting is said, in this order; others follow in the order of their names, said by name.
# The rate that all cells share goes without saying, and so does what is the same everywhere.
FORMS: dict[str, str] = {
    "hidden_size": "hidden size {}",
    "lr_choice": "{}",
    "tuning.rates": "of rates {}",
    "tuning.per": "per {}",
    "tuning.seeds": "{} tuning seeds",
    "num_layers": "{} layers",
    "directions": "{} directions",
    "model.block": "{} blocks",
    "model.window": "window {}",
    "model.precision": "{} products",
    "model.wiring": "{} tree",
    "init": "{} init",
    "keep_bias": "keep bias {}",
    "batch_size": "batch size {}",
    "optimizer": "{}",
    "clip_norm": "clip norm {}",
    "clip_value": "clip value {}",
    "train_set_size": "training set {}",
    "gap_schedule": "{} gaps",
    "cell_version": "cell version {}",
    "task_version": "task version {}",
    "model_version": "model version {}",
    "trainer_version": "trainer version {}",
    "lr": "lr {}",
    "engine": "engine {}",
    "device": "device {}",
    "dtype": "{}",
}
ORDER = {name: place for place, name in enumerate(FORMS)}
# What is set for a cell, and for a task; the rest is set for a training.
OF_CELL = ("hidden_size", "init", "keep_bias", "cell_version")
OF_TASK = ("gap_schedule", "task_version")


def digest(value: object) -> str:
    """Return 16 hex digits that depend on the value's content alone (canonical JSON, SHA-256)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings_of(record: Mapping[str, Any]) -> Settings:
    """Return all settings of a record's condition but its gap, by name.

    Those with a column in `load_results` have its name, others that of their part and their own:
    `cell.shift`, `trainer.steps`. `engine` and `device` are those that were asked for.
    """
    config = record.get("config", {})
    found = BEFORE | {name: record[name] for name in BESIDE if name in record}
    for part in PARTS:
        found |= {_name(part, key): value for key, value in config.get(part, {}).items()}
    found |= {name: config[name] for name in ("engine", "device", "dtype") if name in config}
    found |= {f"{part}_version": number for part, number in record.get("versions", {}).items()}
    found |= {"task": record["task"], "cell": record["cell"]}
    if "bidirectional" in config.get("model", {}):
        found["directions"] = 1 + found.pop("model.bidirectional")
    if config.get("tuned"):
        found["lr_choice"] = "tuned"
    found.pop("gap", None)
    return found


def _name(part: str, key: str) -> str:
    """Return the name of a part's setting."""
    return NAMES.get((part, key), f"{part}.{key}")


def curve_id(settings: Settings) -> str:
    """Return the id of a curve: a hash of its settings."""
    return digest(settings)


def without_tuning(settings: Settings) -> Settings:
    """Return the settings of the same training whose rate is given."""
    own = {name: value for name, value in settings.items() if not name.startswith("tuning.")}
    return {**own, "lr_choice": BEFORE["lr_choice"]}


def curve_label(cell: str, variant: str) -> str:
    """Return the name of a curve in a legend."""
    return f"{cell}{SEPARATOR}{variant}" if variant else cell


def label_conditions(settings: Mapping[str, Settings]) -> dict[str, str]:
    """Return by condition id the label of each condition's curve, from the settings of all."""
    curves = {identity: curve_id(own) for identity, own in settings.items()}
    variants = name_curves({curves[identity]: own for identity, own in settings.items()})
    return {i: curve_label(own["cell"], variants[curves[i]]) for i, own in settings.items()}


def name_conditions(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return what each condition is called: its task, its gap, and the label of its curve.

    Args:
        entries: `gap` and `settings` of each condition, by its id.
    """
    labels = label_conditions({i: entry["settings"] for i, entry in entries.items()})
    return {
        i: f"{entry['settings']['task']} gap {entry['gap']} {labels[i]}"
        for i, entry in entries.items()
    }


def name_recorded(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what each condition of these records is called, by its id."""
    one_of_each = {record["condition_id"]: record for record in records}
    return name_conditions(
        {i: {"gap": r["gap"], "settings": settings_of(r)} for i, r in one_of_each.items()}
    )


def name_curves(curves: Mapping[Key, Settings]) -> dict[Key, str]:
    """Return the variant of each curve: the settings that differ, in words, or nothing.

    Settings of a cell differ where they do among curves of its name on one task, all others where
    they do among the curves of a task. What differs somewhere is said wherever it is set, so that
    a curve has one name on all tasks. Curves come in the order in which they are shown.

    Args:
        curves: settings by anything that tells curves apart. `lr` is among the settings only
            where it is to be said.
    """
    names = sorted({name for own in curves.values() for name in own}, key=_place)
    short = _short_names(names)
    texts: dict[Key, list[str]] = {key: [] for key in curves}
    ranks: dict[Key, list[Any]] = {key: [] for key in curves}
    for name in names:
        said = _where_said(curves, name)
        for key, own in curves.items() if said else ():
            ranks[key].append(_rank(own.get(name)))
            if key in said:
                # An option that came later is left out of the settings at its default.
                later = name not in own and name.startswith(("task.", "cell."))
                texts[key].append("" if later else _text(name, short[name], own.get(name)))
    ordered = sorted(curves, key=lambda key: ranks[key])
    variants = {key: SEPARATOR.join(filter(None, texts[key])) for key in ordered}
    return _part_alike(curves, variants)


def _place(name: str) -> tuple[int, str]:
    """Return where a setting stands in a label."""
    return ORDER.get(name, len(ORDER)), name


def _short_names(names: Iterable[str]) -> dict[str, str]:
    """Return how settings are called: by their own names, with their parts' where these clash."""
    dotted = [name.split(".", 1) for name in names if "." in name]
    counts = Counter(key for _, key in dotted)
    short = {
        f"{part}.{key}": key if counts[key] == 1 and key not in FORMS else f"{part} {key}"
        for part, key in dotted
    }
    return {name: short.get(name, name).replace("_", " ") for name in names}


def _where_said(curves: Mapping[Key, Settings], name: str) -> set[Key]:
    """Return the curves in whose names a setting is said."""
    if name in ("task", "cell", "lr"):
        return {key for key, own in curves.items() if name == "lr" and name in own}
    of_cell = name in OF_CELL or name.startswith("cell.")
    of_task = name in OF_TASK or name.startswith("task.")
    values: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for own in curves.values():
        group = (own["task"], own["cell"]) if of_cell else (own["task"],)
        values[group].add(repr(own.get(name)) if name in own else "")
    differing = [group for group, found in values.items() if len(found) > 1]
    if of_cell:
        cells = {cell for _, cell in differing}
        return {key for key, own in curves.items() if own["cell"] in cells}
    if of_task:
        tasks = {task for (task,) in differing}
        return {key for key, own in curves.items() if own["task"] in tasks}
    return set(curves) if differing else set()


def _text(name: str, short: str, value: Any) -> str:
    """Return a setting in words; one that is null, or is not told, as there being none."""
    if name == "lr_choice":
        return TUNED if value == "tuned" else ""
    if name.startswith(("tuning.", "model.")) and value is None:
        return ""  # as it is by default, or the rate is given
    if value is None:
        return f"no {re.sub(' *{} *', '', FORMS[name]) or short if name in FORMS else short}"
    if isinstance(value, bool):
        said = str(value).lower()
    elif isinstance(value, float) and float(f"{value:g}") == value:
        said = f"{value:g}"
    else:
        said = value if is_name(value) else shown(value)
    form = "{}" if name.endswith("._target_") else FORMS.get(name, short + " {}")
    return form.format(said)


def _rank(value: Any) -> tuple[Any, ...]:
    """Return what a value is sorted by among others of one setting: numbers, texts, none."""
    if isinstance(value, int | float):
        return (0, value, "")
    return (2, 0, "") if value is None else (1, 0, str(value))


def _part_alike(curves: Mapping[Key, Settings], variants: Mapping[Key, str]) -> dict[Key, str]:
    """Return the variants with the beginning of a curve's id where two would have one name."""
    full = {
        key: (curves[key]["task"], curve_label(curves[key]["cell"], variant))
        for key, variant in variants.items()
    }
    counts = Counter(full.values())
    return {
        key: SEPARATOR.join(filter(None, (variant, f"curve {curve_id(curves[key])[:6]}")))
        if counts[full[key]] > 1
        else variant
        for key, variant in variants.items()
    }
