"""Tuned against shared learning rates: how far each reaches, and whether the ranking changes."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import pandas as pd

from rnnbench.report.comparison import paired, seed_scores
from rnnbench.report.document import Table
from rnnbench.report.summary import scores_by_gap
from rnnbench.report.tables import interval_text
from rnnbench.report.variants import CELL_SETTINGS, CURVE, TASK_SETTINGS
from rnnbench.statistics import HORIZON, HorizonRange, horizon_range, probability_of_improvement

KINDS = ("shared", "tuned")
COLUMNS = ["task", "cell", "curve", "shared_lr", "shared", "tuned", "seeds", "probability"]


def compare_rates(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and pair of curves that differ in their rates' being tuned alone.

    All of it is over the gaps that every such curve of the task has, so that an unfinished sweep
    is not taken for a short memory, nor for a long one.

    Columns: task, cell, curve (the label without its rate), shared_lr (text), shared and tuned
    (HorizonRange), seeds (the fewest at a gap that both have; 0 where they share no seed),
    probability (Interval: the tuned rate's score is the higher one on the same seed and gap; None
    without such seeds).

    Args:
        results: labelled, one row per run.
    """
    rows = []
    for _, own in results.groupby("task"):
        pairs = _pairs(own)
        gaps = [set(runs["gap"]) for pair in pairs for runs in pair]
        common = set.intersection(*gaps) if gaps else set()
        for pair in pairs if common else []:
            rows.append(_compare(*(runs[runs["gap"].isin(common)] for runs in pair)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _pairs(runs: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Return a task's pairs of curves: with a given rate, and alike with a tuned one."""
    groups: dict[str, tuple[list[pd.DataFrame], list[pd.DataFrame]]] = {}
    for _, curve in runs.groupby(CURVE, observed=True):
        tuned = bool((curve["lr_choice"] == "tuned").all())
        groups.setdefault(_settings(curve), ([], []))[tuned].append(curve)
    return [pair for given, tuned in groups.values() for pair in product(given, tuned)]


def _settings(runs: pd.DataFrame) -> str:
    """Return what parts a curve from others of its task, but for its rate; NaN is a value."""
    names = [name for name in (*TASK_SETTINGS, *CELL_SETTINGS) if name != "rate"]
    return repr(
        [*runs[["task", "cell"]].iloc[0], *(runs[name].unique().tolist() for name in names)]
    )


def _compare(given: pd.DataFrame, tuned: pd.DataFrame) -> tuple[object, ...]:
    ours, theirs = paired(seed_scores(tuned), seed_scores(given))
    seeds = min(map(len, ours), default=0)
    probability = probability_of_improvement(ours, theirs) if seeds else None
    reach = [horizon_range(scores_by_gap(runs), HORIZON) for runs in (given, tuned)]
    rates = ", ".join(f"{rate:g}" for rate in sorted(given["lr"].unique()))
    task, cell, label = (str(value) for value in given[["task", "cell", "label"]].iloc[0])
    return (task, cell, label, rates, *reach, seeds, probability)


def order_changes(table: pd.DataFrame) -> list[str]:
    """Say in words, for every task, how the cells rank with either rate and whether it changes.

    Cells rank by their horizons. Two that change places are named, and whether their intervals
    part both ways: if not, the seeds alone may have done it.

    Args:
        table: as `compare_rates` gives it; tasks with one pair of curves have no ranking.
    """
    lines = []
    for task, rows in table.groupby("task"):
        shared, tuned = (dict(zip(rows["curve"], rows[kind], strict=True)) for kind in KINDS)
        if len(shared) > 1:
            orders = f"shared rate, {_order(shared)}; tuned, {_order(tuned)}"
            lines.append(f"{task}, farthest first: {orders}. {_verdict(shared, tuned)}")
    return lines


def _order(reach: dict[str, HorizonRange]) -> str:
    """Return the curves by their horizons, farthest first; an equals sign between equals."""
    names = sorted(reach, key=lambda name: -reach[name].horizon.extended)
    text = f"{names[0]} ({reach[names[0]].horizon})"
    for before, name in pairwise(names):
        sign = ", " if _sign(reach[before], reach[name]) else " = "
        text += f"{sign}{name} ({reach[name].horizon})"
    return text


def _verdict(shared: dict[str, HorizonRange], tuned: dict[str, HorizonRange]) -> str:
    turned = []
    for pair in combinations(shared, 2):
        before, after = ([reach[curve] for curve in pair] for reach in (shared, tuned))
        if _sign(*before) * _sign(*after) < 0:
            sure = all(a.beyond(b) or b.beyond(a) for a, b in (before, after))
            parted = "and their intervals part" if sure else "but their intervals do not part"
            turned.append(f"{' and '.join(pair)} change places, {parted} with both")
    return f"{'; '.join(turned)}." if turned else "No two change places."


def _sign(first: HorizonRange, second: HorizonRange) -> int:
    """Return 1 where the first reaches farther, -1 where the second does, 0 of equals."""
    a, b = first.horizon.extended, second.horizon.extended
    return int(a > b) - int(a < b)


def rate_table(table: pd.DataFrame) -> Table:
    """Return horizons with either rate, and how often the tuned one wins on the same seed."""
    rows = [
        (
            *(str(row.task), str(row.curve), str(row.shared_lr), str(row.shared), str(row.tuned)),
            *(f"{row.seeds}", interval_text(row.probability)),
        )
        for row in table.itertuples()
    ]
    header = ("task", "cell", "shared lr", "horizon, shared", "horizon, tuned")
    return Table((*header, "paired seeds", "tuned better on a seed"), tuple(rows), names=2)
