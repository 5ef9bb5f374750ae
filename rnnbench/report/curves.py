"""Tell which runs make one curve: those of a cell, apart from others of its name by a variant."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from rnnbench.statistics import Interval

CURVE = ["task", "cell", "variant"]
CONDITION = ["task", "cell", "gap"]

SEPARATOR = ", "
# The rate that all cells share goes without saying.
RATES = {"tuned": "tuned lr", "given": ""}
# A setting that differs anywhere between a cell's rows makes curves of their own.
CELL_SETTINGS = {
    "rate": "{}",
    "num_layers": "{:g} layers",
    "directions": "{:g} directions",
    "init": "{} init",
    "keep_bias": "keep bias {:g}",
    "batch_size": "batch size {:g}",
    "optimizer": "{}",
    "clip_norm": "clip norm {:g}",
    "clip_value": "clip value {:g}",
    "train_set_size": "training set {:g}",
    "gap_schedule": "{} gaps",
    "cell_version": "cell version {:g}",
}
# Numbers of before and after a version was raised are no curve, and do not compare.
VERSION_SETTINGS = {
    "task_version": "task version {:g}",
    "model_version": "model version {:g}",
    "trainer_version": "trainer version {:g}",
}
# This may follow from the sizes of a task, so it counts only where it differs within one.
TASK_SETTINGS = {"hidden_size": "hidden size {:g}"}
# These may be chosen per gap within one curve, so they count only where they differ at one gap.
GAP_SETTINGS = {
    "lr": "lr {:g}",
    "sequence_length": "length {:g}",
    "engine": "engine {}",
    "device": "device {}",
    "dtype": "{}",
}
# The columns that come first, and those that are taken as they are.
FIRST = "task cell variant horizon horizon_low horizon_high d90 auc success_rate".split()
FIRST += ["num_parameters", "state_size"]
PLAIN = ["num_parameters", "state_size", "hidden_size", "seconds", "sequences_per_second"]
PLAIN += ["runs", "solved"]


def label_variants(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results with `variant` and `label`, in the order in which curves are shown.

    The variant is made of the settings that differ and is empty where none does; the label is the
    cell's name and the variant. Conditions that differ in nothing of this are told apart by their
    sweep's name.
    """
    settings = [*TASK_SETTINGS, *CELL_SETTINGS, *VERSION_SETTINGS, *GAP_SETTINGS, "sweep"]
    frame = results.assign(rate=results["lr_choice"].map(RATES))
    frame = frame.sort_values(settings, kind="stable")
    variant = pd.Series("", index=frame.index)
    for forms, group in (
        (TASK_SETTINGS, ["task", "cell"]),
        (CELL_SETTINGS, ["cell"]),
        (VERSION_SETTINGS, ["task"]),
    ):
        for setting, form in forms.items():
            variant = _append(variant, frame[setting], form, _counts(frame, group, setting) > 1)
    for setting, form in GAP_SETTINGS.items():
        differs = _differs_at_a_gap(frame, setting)
        if setting == "lr":  # a tuned rate is told by its being tuned
            differs &= frame["lr_choice"] == "given"
        variant = _append(variant, frame[setting], form, differs)
    frame["variant"] = variant
    points = [*CONDITION, "variant"]
    mixed = (_counts(frame, points, "condition_id") > 1) & (_counts(frame, points, "sweep") > 1)
    mixed = mixed.groupby([frame[name] for name in CURVE]).transform("max")
    frame["variant"] = _append(variant, frame["sweep"], "sweep {}", mixed)
    order = frame["variant"].drop_duplicates().tolist()
    frame["variant"] = pd.Categorical(frame["variant"], categories=order, ordered=True)
    frame["label"] = [curve_label(*pair) for pair in zip(frame.cell, frame.variant, strict=True)]
    return frame.sort_values([*CURVE, "gap", "seed"], kind="stable", ignore_index=True)


def curve_label(cell: str, variant: str) -> str:
    """Return the name of a curve in a legend."""
    return f"{cell}, {variant}" if variant else cell


def is_tuned(variant: str) -> bool:
    """Return whether a variant has tuned rates, beside curves with given ones."""
    return RATES["tuned"] in variant.split(SEPARATOR)


def without_rate(variant: str) -> str:
    """Return the variant of the same settings whose rate is not tuned, to compare the two."""
    parts = variant.split(SEPARATOR)
    return SEPARATOR.join(part for part in parts if part != RATES["tuned"])


def curves_of(results: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the different (cell, variant) pairs of labelled results, in the order of legends."""
    pairs = results[["cell", "variant"]].drop_duplicates().sort_values(["cell", "variant"])
    return list(zip(pairs["cell"], pairs["variant"], strict=True))


def mixed_conditions(results: pd.DataFrame) -> list[str]:
    """Name the points that average several conditions, since no shown setting tells these apart."""
    mixed = _counts(results, [*CURVE, "gap"], "condition_id") > 1
    points = results[mixed].drop_duplicates([*CURVE, "gap"])
    return [f"{row.task}, {row.label}, gap {row.gap}" for row in points.itertuples()]


def mixed_versions(results: pd.DataFrame) -> list[str]:
    """Name the versions of each task and cell whose runs are of more than one."""
    told: dict[str, None] = {}
    for setting in (*VERSION_SETTINGS, "cell_version"):
        part = setting.removesuffix("_version")
        group = "cell" if part == "cell" else "task"
        for name, numbers in results.groupby(group)[setting]:
            if numbers.nunique(dropna=False) > 1:
                known = [f"{number:g}" for number in sorted(numbers.dropna().unique())]
                unknown = ["unknown"] if numbers.isna().any() else []
                words = str(name) if part == group else f"{name!s}, {part}"
                told[f"{words}: versions {', '.join([*known, *unknown])}"] = None
    return list(told)


def curve_numbers(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of `summary.horizons` as plain columns; NaN where there is no value.

    A horizon or an end of its interval that lies beyond the measured gaps is the last of them,
    with ">" or "<" in the column of its bound.
    """
    rows = []
    for row in curves.itertuples():
        numbers: dict[str, Any] = {name: getattr(row, name) for name in CURVE}
        numbers |= _horizon("horizon", row.horizon) | _horizon("d90", row.d90)
        numbers |= _interval("auc", "auc", row.area)
        numbers |= _interval("success_rate", "success", row.success)
        numbers |= {name: getattr(row, name) for name in PLAIN}
        rows.append({name: numbers[name] for name in FIRST} | numbers)
    return pd.DataFrame(rows)


def _counts(frame: pd.DataFrame, group: list[str], column: str) -> pd.Series[int]:
    """Count, for every row, the different values of a column in the row's group."""
    groups = frame.groupby(group, observed=True)[column]
    return groups.transform(lambda values: values.nunique(dropna=False))


def _differs_at_a_gap(frame: pd.DataFrame, setting: str) -> pd.Series[bool]:
    several = _counts(frame, [*CONDITION, "rate"], setting) > 1
    return several.groupby([frame.task, frame.cell, frame.rate]).transform("max")


def _append(
    variant: pd.Series[str], values: pd.Series, form: str, where: pd.Series[bool]
) -> pd.Series[str]:
    """Add a setting to the variants of some rows."""
    if not where.any():
        return variant
    name = form.replace("{:g}", "").replace("{}", "").strip()
    codes, different = pd.factorize(values, use_na_sentinel=False)
    texts = [f"no {name}" if pd.isna(value) else form.format(value) for value in different]
    longer = [
        SEPARATOR.join(filter(None, (own, texts[code])))
        for own, code in zip(variant, codes, strict=True)
    ]
    return variant.mask(where, pd.Series(longer, index=variant.index))


def _horizon(name: str, found: Any) -> dict[str, float | str]:
    """Return a HorizonRange as numbers and bounds."""
    ends = {name: found.horizon, f"{name}_low": found.low, f"{name}_high": found.high}
    gaps = {key: end.gap if end else math.nan for key, end in ends.items()}
    return gaps | {f"{key}_bound": end.bound if end else "" for key, end in ends.items()}


def _interval(name: str, ends: str, found: Any) -> dict[str, float]:
    interval = found if isinstance(found, Interval) else Interval(math.nan, math.nan, math.nan)
    return {name: interval.mean, f"{ends}_low": interval.low, f"{ends}_high": interval.high}
