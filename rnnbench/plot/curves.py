"""Tell which runs make one curve: those of a cell, apart from others of its name by a variant."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import pandas as pd

from rnnbench.statistics import Interval
from rnnbench.store.frames import SHIPPED_CELLS, Loaded
from rnnbench.store.settings import (
    BEFORE,
    FORMS,
    SEPARATOR,
    TUNED,
    Settings,
    curve_id,
    curve_label,
    name_curves,
    without_tuning,
)

Curve = tuple[str, str]  # a cell and its variant
CURVE = ["task", "cell", "variant"]
SHIPPED = {cell: place for place, cell in enumerate(SHIPPED_CELLS)}
# The settings among the columns of `load_results`; those with a dot in their name are, too.
TOLD = {"task", "cell", *FORMS, *BEFORE} - {"lr"}
ASKED = ("engine", "device")  # of which a column has what was taken, not what was asked for
# Numbers of before and after a version was raised do not compare.
VERSIONS = ("task_version", "model_version", "trainer_version")
# The columns that come first, and those that are taken as they are.
FIRST = "task cell variant horizon horizon_low horizon_high d90 auc success_rate".split()
FIRST += ["num_parameters", "state_size"]
PLAIN = ["num_parameters", "state_size", "hidden_size", "seconds", "sequences_per_second"]
PLAIN += ["runs", "solved"]


def label_variants(loaded: Loaded) -> pd.DataFrame:
    """Return the loaded results with `variant` and `label`, in the order in which curves are shown.

    That is the order of the sweep's cells, and of a cell's variants. Runs at a rate that tuning
    has given up since are left out.

    Scores are cut to [0, 1], in which means and drawings take them: adding's has no lower end.
    The variant is made of the settings that differ and is empty where none does; the label is the
    cell's name and the variant. `untuned` is the id of the curve of the same settings whose rate
    is given.
    """
    return _label(loaded.results, loaded.curves)


def labelled(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of `load_results` as `label_variants` does; one that has labels as it is.

    Raises:
        ValueError: it has no runs, or is no such frame.
    """
    missing = sorted({"task", "cell", "gap", "seed", "score", "status"} - set(runs.columns))
    if missing or not ("label" in runs or "curve" in runs):
        lacks = ", ".join(missing or ["curve"])
        raise ValueError(f"runs must be a frame of rnnbench.load_results, got one without {lacks}")
    if runs.empty:
        raise ValueError("runs must have at least one row, got none")
    return runs if "label" in runs else _label(runs, _settings(runs))


def labelled_without(runs: pd.DataFrame, left_out: Collection[str]) -> pd.DataFrame:
    """Return labelled runs as if they did not differ in some settings: curves that do are one."""
    kept = {
        curve: {name: value for name, value in own.items() if name not in left_out}
        for curve, own in _settings(runs).items()
    }
    ids = {curve: curve_id(own) for curve, own in kept.items()}
    merged = runs.assign(curve=runs["curve"].map(ids))
    return _named(merged, {ids[curve]: own for curve, own in kept.items()}, _rates(runs))


def _settings(runs: pd.DataFrame) -> dict[str, Settings]:
    """Return the settings of each curve, as far as the columns of its runs tell them."""
    several = runs.groupby("curve")[[name for name in ASKED if name in runs]].nunique() > 1
    untold = set(several.columns[several.any()])
    names = [str(name) for name in runs.columns if "." in name or name in TOLD - untold]
    first = runs.drop_duplicates("curve")
    rows = first[names].to_dict("records")
    return {str(curve): dict(_told(row)) for curve, row in zip(first["curve"], rows, strict=True)}


def _told(row: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the settings in a row: NaN is a number that is null, or that its part does not have."""
    for name, value in row.items():
        if value is None or isinstance(value, list) or not pd.isna(value):
            yield name, value
        elif "." not in name:
            yield name, None


def cell_order(runs: pd.DataFrame) -> list[str]:
    """Return the cells in the order of their rows, those of the task with most cells first."""
    by_task = [own["cell"].unique() for _, own in runs.groupby("task", sort=False)]
    return list(dict.fromkeys(map(str, chain(*sorted(by_task, key=len, reverse=True)))))


def sorted_cells(runs: pd.DataFrame) -> list[str]:
    """Return the cells of labelled runs, in the order in which they are shown."""
    return [str(cell) for cell in runs["cell"].drop_duplicates().sort_values()]


def _label(results: pd.DataFrame, curves: dict[str, Settings]) -> pd.DataFrame:
    results = results[~results["superseded"]] if "superseded" in results else results
    return _named(results, curves, _rates(results))


def _named(
    results: pd.DataFrame, curves: Mapping[str, Settings], rates: Sequence[tuple[float, ...]]
) -> pd.DataFrame:
    """Return results with the names of their curves, and with the rates to be said in them."""
    keys = list(zip(results["curve"], rates, strict=True))
    named = {key: _with_rate(curves[key[0]], key[1]) for key in dict.fromkeys(keys)}
    variants = name_curves(named)
    order = list(dict.fromkeys(variants.values()))
    untuned = {key: curve_id(without_tuning(own)) for key, own in curves.items()}
    frame = results.assign(
        cell=pd.Categorical(results["cell"], categories=cell_order(results), ordered=True),
        score=results["score"].clip(0, 1),
        variant=pd.Categorical([variants[key] for key in keys], categories=order, ordered=True),
        label=[curve_label(named[key]["cell"], variants[key]) for key in keys],
        untuned=results["curve"].map(untuned),
    )
    return frame.sort_values([*CURVE, "gap", "seed"], kind="stable", ignore_index=True)


def _rates(results: pd.DataFrame) -> list[tuple[float, ...]]:
    """Return what is to be said of each run's rate in the name of its curve: one, a range, nothing.

    Where a curve's runs at a gap have several rates, each rate is a curve of its own. Where the
    given rates of a task differ at a gap, all of them are said.
    """
    parted = _differs_at_a_gap(results, ["curve"])
    said = (results["lr_choice"] == "given") & _differs_at_a_gap(results, ["task", "lr_choice"])
    rates = results["lr"]
    least, most = (rates.groupby(results["curve"]).transform(end) for end in ("min", "max"))
    least, most = rates.where(parted, least), rates.where(parted, most)
    rows = zip(least, most, parted | said, strict=True)
    return [(low, high) if told else () for low, high, told in rows]


def _differs_at_a_gap(results: pd.DataFrame, group: list[str]) -> pd.Series[bool]:
    """Return for every run whether there are several rates at some gap of its group."""
    several = _counts(results, [*group, "gap"], "lr") > 1
    return several.groupby([results[name] for name in group]).transform("max")


def _with_rate(settings: Settings, rates: tuple[float, ...]) -> Settings:
    """Return a curve's settings with the least and the greatest of its rates, if they are said."""
    if not rates:
        return settings
    low, high = rates
    return {**settings, "lr": low if low == high else f"{low:g} to {high:g}"}


def is_tuned(variant: str) -> bool:
    """Return whether a variant has tuned rates, beside curves with given ones."""
    return TUNED in variant.split(SEPARATOR)


def have_tuned(runs: pd.DataFrame) -> pd.Series[bool]:
    """Return of each labelled run whether its variant has tuned rates."""
    return runs["variant"].map(is_tuned).astype(bool)


def without_rate(variant: str) -> str:
    """Return the variant of the same settings whose rate is not tuned, to compare the two."""
    parts = variant.split(SEPARATOR)
    return SEPARATOR.join(part for part in parts if part != TUNED)


def curves_of(results: pd.DataFrame) -> list[Curve]:
    """Return the different (cell, variant) pairs of labelled results, in the order of legends."""
    pairs = results[["cell", "variant"]].drop_duplicates().sort_values(["cell", "variant"])
    return [(str(cell), str(variant)) for cell, variant in pairs.itertuples(index=False)]


def mixed_versions(results: pd.DataFrame) -> list[str]:
    """Name the versions of each task and cell whose runs are of more than one."""
    told: dict[str, None] = {}
    for setting in (*VERSIONS, "cell_version"):
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
        numbers["success_rate"] = row.success_rate
        numbers |= {name: getattr(row, name) for name in PLAIN}
        rows.append({name: numbers[name] for name in FIRST} | numbers)
    return pd.DataFrame(rows)


def _counts(frame: pd.DataFrame, group: list[str], column: str) -> pd.Series[int]:
    """Count, for every row, the different values of a column in the row's group."""
    groups = frame.groupby(group, observed=True)[column]
    return groups.transform(lambda values: values.nunique(dropna=False))


def _horizon(name: str, found: Any) -> dict[str, float | str]:
    """Return a HorizonRange as numbers and bounds."""
    ends = {name: found.horizon, f"{name}_low": found.low, f"{name}_high": found.high}
    gaps = {key: end.gap if end else math.nan for key, end in ends.items()}
    return gaps | {f"{key}_bound": end.bound if end else "" for key, end in ends.items()}


def _interval(name: str, ends: str, found: Any) -> dict[str, float]:
    interval = found if isinstance(found, Interval) else Interval(math.nan, math.nan, math.nan)
    return {name: interval.mean, f"{ends}_low": interval.low, f"{ends}_high": interval.high}
