"""Show the numbers of a report as tables for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from rnnbench.plot.curves import CURVE
from rnnbench.plot.summary import BROKEN
from rnnbench.report.document import Table
from rnnbench.statistics import HORIZON, HorizonRange, Interval

LABEL = {"cell": "label"}
SETTINGS = {
    "hidden size": "hidden_size",
    "layers": "num_layers",
    "directions": "directions",
    "keep bias": "keep_bias",
    "init": "init",
    "lr": "lr",
    "batch size": "batch_size",
    "parameters": "num_parameters",
    "engine": "engine",
    "device": "device",
    "dtype": "dtype",
}
HORIZONS = {
    "task": "{task}",
    "cell": "{label}",
    "horizon (score 0.75)": "{horizon}",
    "seeds": "{seeds_text}",
    "area under score": "{area_text}",
    "D90 (score 0.9)": "{d90_text}",
    "hidden size": "{hidden_size:,}",
    "state size": "{state_size:,}",
    "parameters": "{num_parameters:,}",
    "seconds a run": "{seconds:.3g}",
    "sequences / s": "{rate}",
}


def horizon_table(curves: pd.DataFrame) -> Table:
    """Return the headline: how far each curve remembers on each task, how sure, at what cost.

    A column that says nothing of any curve is left out.
    """
    texts = {
        "rate": curves["sequences_per_second"].map(_rate),
        "seeds_text": curves["seeds"].astype(str) + curves["needed"].map(_needed),
        "area_text": curves["area"].map(interval_text),
        "d90_text": curves["d90"].map(bounded_text),
    }
    table = Table.of(curves.assign(**texts), HORIZONS, names=2)
    return table.without_empty_columns()


def bounded_text(found: HorizonRange) -> str:
    """Return a HorizonRange as text, nothing where seeds are too few for its interval."""
    return "" if found.low is None else str(found)


def _needed(seeds: int) -> str:
    return f", needs {seeds}" if seeds else ""


def gap_table(
    frame: pd.DataFrame, keys: Mapping[str, str], text: Callable[[Sequence[Any]], str]
) -> Table:
    """Return a row per group of a frame and a column per gap, empty where it has no rows.

    Args:
        frame: in the order of the table, with a column `gap`.
        keys: the columns that make the groups, by their headers.
        text: says in words the rows of a group at a gap.
    """
    gaps = sorted(frame["gap"].unique())
    rows = []
    for key, own in frame.groupby([*keys.values()], sort=False, observed=True):
        found: dict[Any, list[Any]] = {}
        for row in own.itertuples():
            found.setdefault(row.gap, []).append(row)
        rows.append((*map(str, key), *(text(found[gap]) if gap in found else "" for gap in gaps)))
    return Table((*keys, *(f"gap {gap}" for gap in gaps)), tuple(rows), names=len(keys))


def score_table(points: pd.DataFrame) -> Table:
    """Return one task's mean score, curve x gap, with its interval: horizons are read off it."""
    return gap_table(points, LABEL, _score)


def reached_table(results: pd.DataFrame) -> Table:
    """Return how many of one task's seeds score 0.75 or more, curve x gap."""
    points = results.groupby(["label", "gap"], sort=False, observed=True)["score"]
    counts = points.agg(reached=lambda scores: (scores >= HORIZON).sum(), seeds="size")
    return gap_table(counts.reset_index(), LABEL, _reached)


def accuracy_table(points: pd.DataFrame) -> Table:
    """Return one task's mean accuracy, curve x gap, with the interval as the figure shows it."""
    return gap_table(points, LABEL, _accuracy)


def interquartile_table(points: pd.DataFrame) -> Table:
    """Return one task's interquartile mean of the score, curve x gap, with its interval."""
    return gap_table(points, LABEL, _interquartile)


def solved_table(points: pd.DataFrame) -> Table:
    """Return one task's solved runs with the rate's interval and median steps, curve x gap."""
    return gap_table(points, LABEL, _solved)


def settings_table(results: pd.DataFrame) -> Table:
    """Return what each curve was trained with; several values where it differs over the gaps."""
    header = ("task", "cell", "seeds", "steps", *SETTINGS, "seconds a run")
    rows = []
    for (task, _, _), runs in results.groupby(CURVE, observed=True):
        values = [_values(runs[column]) for column in SETTINGS.values()]
        start = (str(task), runs["label"].iloc[0], seed_ranges(runs["seed"]))
        end = f"{runs['seconds'].mean():.3g}"
        rows.append((*start, f"up to {_plain(runs['steps'].max())}", *values, end))
    return Table(header, tuple(rows), names=2)


def broken_table(results: pd.DataFrame) -> Table | None:
    """Return the diverged and failed runs, or None where there are none."""
    broken = results[results["status"].isin(BROKEN)]
    groups = broken.groupby([*CURVE, "gap", "status"], observed=True)
    rows = []
    for (task, _, _, gap, status), runs in groups:
        errors = "; ".join(runs["error"].dropna().unique())
        label = runs["label"].iloc[0]
        rows.append((str(task), label, f"{gap}", str(status), seed_ranges(runs["seed"]), errors))
    header = ("task", "cell", "gap", "status", "seeds", "error")
    return Table(header, tuple(rows), names=6) if rows else None


def missing_table(missing: pd.DataFrame) -> Table | None:
    """Return the gaps that have fewer seeds than the others, or None where all are there."""
    rows = []
    for (task, label), points in missing.groupby(["task", "label"], sort=False, observed=True):
        gaps = ", ".join(f"{row.gap} ({row.seeds:g})" for row in points.itertuples())
        rows.append((str(task), str(label), gaps, str(points["expected"].iloc[0])))
    header = ("task", "cell", "gap (seeds there)", "seeds elsewhere")
    return Table(header, tuple(rows), names=3) if rows else None


def seed_ranges(seeds: pd.Series) -> str:
    """Return seeds in a few words: "0 to 4, 7"."""
    numbers = sorted(int(seed) for seed in seeds.unique())
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join(" to ".join(map(str, part)) for part in parts)


def interval_text(interval: Any) -> str:
    """Return an Interval as text: nothing for None, the estimate alone where it has no ends."""
    if not isinstance(interval, Interval):
        return ""
    mean = f"{interval.mean:.2f}"
    if math.isnan(interval.low):
        return mean
    return f"{mean} ({interval.low:.2f}–{interval.high:.2f})"


def difference_text(found: Interval) -> str:
    """Return an Interval of a difference as text, each number with its sign."""
    mean, low, high = (f"{number:+.2f}".replace("-", "−") for number in found)
    return mean if math.isnan(found.low) else f"{mean} ({low} to {high})"


def range_text(numbers: pd.Series, form: str = "{}") -> str:
    """Return numbers in words: all of them, or the least and the greatest."""
    return " to ".join(dict.fromkeys(form.format(end) for end in (numbers.min(), numbers.max())))


def _accuracy(points: Sequence[Any]) -> str:
    (row,) = points
    return interval_text(Interval(row.accuracy_mean, row.accuracy_low, row.accuracy_high))


def _score(points: Sequence[Any]) -> str:
    (row,) = points
    return interval_text(Interval(row.score_mean, row.score_low, row.score_high))


def _reached(points: Sequence[Any]) -> str:
    (row,) = points
    return f"{row.reached} of {row.seeds}"


def _interquartile(points: Sequence[Any]) -> str:
    (row,) = points
    return interval_text(Interval(row.score_iqm, row.score_iqm_low, row.score_iqm_high))


def _solved(points: Sequence[Any]) -> str:
    (row,) = points
    share = f"{row.solved}/{row.seeds} ({row.success_low:.2f}–{row.success_high:.2f})"
    steps = row.median_steps_to_solve
    return share if math.isnan(steps) else f"{share}, {steps:g}"


def _rate(per_second: Any) -> str:
    return "" if math.isnan(per_second) else f"{per_second:,.0f}"


def _values(column: pd.Series) -> str:
    """Return a column's different values in a few words."""
    values: list[Any] = sorted(column.dropna().unique())
    return ", ".join(_plain(value) for value in values) or "none"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
