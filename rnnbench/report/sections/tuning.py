"""Compare tuned learning rates with one for all: how far each reaches, and how the cells rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise, product
from typing import Any

import pandas as pd

from rnnbench.console import count
from rnnbench.plot.curves import CURVE
from rnnbench.plot.summary import scores_by_gap
from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Table
from rnnbench.report.sections.comparison import paired
from rnnbench.report.study import Study
from rnnbench.report.tables import difference_text, gap_table
from rnnbench.statistics import HorizonRange, difference_interval, horizon_range

KINDS = ("shared", "tuned")
RATES = {
    "task": "{task}",
    "cell": "{curve}",
    "shared lr": "{shared_lr}",
    "horizon, shared": "{shared}",
    "horizon, tuned": "{tuned}",
    "paired seeds": "{seeds}",
    "area, tuned less shared": "{text}",
}
COLUMNS = ["task", "cell", "curve", "shared_lr", "shared", "tuned", "seeds", "difference"]


def compare_rates(results: pd.DataFrame) -> pd.DataFrame:
    """Compare each curve with a given rate with the same curve with tuned rates.

    There is one row per task and pair, over the gaps that every such curve of the task has, so
    that an unfinished sweep is not taken for a short memory, nor for a long one.

    Columns: task, cell, curve (the label without its rate), shared_lr (text), shared and tuned
    (HorizonRange), seeds (that both have at every gap), difference (Interval: by how much the
    area is larger on the same seed with the tuned rate; None without such seeds).
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
    """Return the pairs of a task's curves of the same settings: a given rate, and a tuned one."""
    groups: dict[str, tuple[list[pd.DataFrame], list[pd.DataFrame]]] = {}
    for _, curve in runs.groupby(CURVE, observed=True):
        tuned = bool((curve["lr_choice"] == "tuned").all())
        groups.setdefault(curve["untuned"].iloc[0], ([], []))[tuned].append(curve)
    return [pair for given, tuned in groups.values() for pair in product(given, tuned)]


def _compare(given: pd.DataFrame, tuned: pd.DataFrame) -> tuple[object, ...]:
    d = paired(tuned, given)
    difference = None if d.empty else difference_interval(d)
    reach = [horizon_range(scores_by_gap(runs)) for runs in (given, tuned)]
    rates = ", ".join(f"{rate:g}" for rate in sorted(given["lr"].unique()))
    task, cell, label = (str(value) for value in given[["task", "cell", "label"]].iloc[0])
    return (task, cell, label, rates, *reach, len(d), difference)


def order_changes(table: pd.DataFrame) -> list[str]:
    """Say in words, for every task, how the cells rank with either rate and whether it changes.

    Cells rank by their horizons. Two that change places are named, and whether their intervals
    part both ways: if not, the seeds alone may have done it. A task with one pair has no ranking.
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
    """Return horizons with either rate, and by how much the tuned one's area is larger."""
    texts = [difference_text(found) if found else "" for found in table["difference"]]
    return Table.of(table.assign(text=texts), RATES, names=2)


AGAINST = (
    "The same cells with one learning rate for all, and with a rate that was tuned for each cell "
    "at each gap, over the gaps that all of these have. Horizons have their intervals, and so has "
    "the difference of the areas under the score on the same seeds, hence on the same data."
)
HOW = (
    "Every condition tried the rates {rates} on {seeds} tuning seeds of its own, with the same "
    "number of steps. A rate left the grid after a third of the steps where its best seed was by "
    "0.1 in score behind the worst seed of the best rate. The best rate has the highest mean score "
    "on the evaluation stream; of rates within 0.01 of it, it is the one that solved soonest. "
    "Tuning seeds are in no result."
)
GROWN = (
    "While the best rate was the lowest or the highest, the next one beyond it was tried too "
    "({rates}). Then the two best were trained on as many seeds again."
)
PER_TASK = "Rates for several gaps were tuned at one of them: {gaps}."
MARKS = (
    "*: at the end of all that were tried; a better rate may lie beyond. (none): no rate had a "
    "mean score above 0.05, and the untuned default was taken."
)
EDGE = "At the end of all that were tried, where a better rate may lie beyond it:"
FLAGGED = (
    "Here the shared rate does better on the reported seeds, by 0.05 in mean score or more: the "
    "tuned one was chosen on few seeds."
)
SUPERSEDED = "Left out, as a later choice of tuning has another rate:"
MUCH = 0.05


def tuning_section(study: Study) -> Iterator[Block]:
    """Yield the sections on tuned rates; nothing where none was tuned."""
    pairs = compare_rates(study.results)
    if not pairs.empty:
        yield Heading("Tuned against shared learning rate")
        yield Paragraph(AGAINST)
        yield rate_table(pairs)
        yield Bullets(tuple(order_changes(pairs)))
        yield from _listed(FLAGGED, worse_when_tuned(study.results))
    if study.tuning.empty:
        return
    yield Heading("Tuned learning rates")
    yield Paragraph(how_chosen(study.tuning))
    yield chosen_rates(study.tuning)
    yield Paragraph(MARKS)
    yield from _listed(EDGE, edge_warnings(study.tuning))
    yield from _listed(SUPERSEDED, earlier_rates(study.superseded))


def _listed(words: str, lines: list[str]) -> Iterator[Block]:
    if lines:
        yield Paragraph(words)
        yield Bullets(tuple(lines))


def how_chosen(tuning: pd.DataFrame) -> str:
    """Say which rates were tried on how many seeds, and how one was chosen."""
    tried = tuning.groupby("condition_id")["lr"].agg(set)
    all_tried = set.intersection(*tried)
    beyond = sorted(set.union(*tried) - all_tried)
    first = int(tuning["seeds"].min())
    texts = [HOW.format(rates=_rates(all_tried), seeds=f"{first}")]
    if beyond or (tuning["seeds"] > first).any():
        texts.append(GROWN.format(rates=_rates(beyond) or "there was none"))
    elsewhere = tuning.loc[tuning["tuned_at"] != tuning["gap"], "tuned_at"]
    if not elsewhere.empty:
        texts.append(PER_TASK.format(gaps=", ".join(map(str, sorted(elsewhere.unique())))))
    return " ".join(texts)


def worse_when_tuned(results: pd.DataFrame) -> list[str]:
    """Name the points where the same cell does better at the shared rate, on the same seeds."""
    lines = []
    for task, own in results.groupby("task"):
        for given, tuned in _pairs(own):
            points = given.merge(tuned, on=["gap", "seed"], suffixes=("", "_tuned"))
            for gap, at in points.groupby("gap"):
                shared, chosen = at["score"].mean(), at["score_tuned"].mean()
                if shared - chosen >= MUCH:
                    label, rates = (
                        given["label"].iloc[0],
                        (at["lr"].iloc[0], at["lr_tuned"].iloc[0]),
                    )
                    lines.append(
                        f"{task}, {label}, gap {gap}: {shared:.2f} at {rates[0]:g}, "
                        f"{chosen:.2f} at the tuned {rates[1]:g} ({count(len(at), 'seed')})."
                    )
    return lines


def earlier_rates(superseded: pd.DataFrame) -> list[str]:
    """Name the runs that tuning had train at a rate which it has given up since."""
    groups = superseded.groupby(["task", "cell", "gap", "lr"])
    return [
        f"{task}, {cell}, gap {gap}: {count(len(runs), 'run')} at {lr:g}."
        for (task, cell, gap, lr), runs in groups
    ]


def chosen_rates(tuning: pd.DataFrame) -> Table:
    """Return the chosen rates: a row per task and curve, a column per gap."""
    conditions = tuning.drop_duplicates("condition_id")
    keys = {"task": "task", "cell": "label"}
    return gap_table(conditions, keys, lambda rows: ", ".join(map(_rate, rows)))


def edge_warnings(tuning: pd.DataFrame) -> list[str]:
    """Name the tasks, cells and gaps whose rate was chosen at an end of the grid, and which end."""
    lowest = tuning.groupby("condition_id")["lr"].transform("min")
    ends = (tuning["chosen_lr"] == lowest).map({True: "lowest", False: "highest"})
    conditions = tuning.assign(end=ends).drop_duplicates("condition_id")
    conditions = conditions[conditions["at_edge"].astype(bool)]
    lines = []
    keys = ["task", "label", "chosen_lr", "end"]
    for (task, cell, rate, end), own in conditions.groupby(keys, observed=True):
        gaps = ", ".join(str(gap) for gap in sorted(own["gap"].unique()))
        lines.append(f"{task}, {cell}: {rate:g}, the {end} rate, at gap {gaps}.")
    return lines


def _rates(rates: Iterable[float]) -> str:
    return ", ".join(f"{rate:g}" for rate in sorted(rates))


def _rate(row: Any) -> str:
    return f"{row.chosen_lr:g}{'*' if row.at_edge else ''}" if row.learned else "(none)"
