"""Draw the loss of the evaluations during training: a row per task, a panel per gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from rnnbench.plot import frame, naming
from rnnbench.plot.curves import Curve
from rnnbench.plot.frame import Drawn
from rnnbench.plot.looks import REFERENCE_COLOUR, Style
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.selection import Selection
from rnnbench.plot.steps import curves_at, name_panels, panel_rows, said_of_gaps, step_canvas
from rnnbench.plot.summary import BROKEN
from rnnbench.store.settings import curve_label

DECADES = 5  # below chance, that are drawn of a loss
SMALLEST, GREATEST = 1e-100, 1e100  # of a chance loss, for the axis


@themed
def learning(
    runs: pd.DataFrame,
    history: pd.DataFrame,
    *,
    gaps: Sequence[int] | None = None,
    seeds: bool = True,
    **options: Unpack[Options],
) -> Drawn:
    """Draw the loss of the evaluations during training: the median over seeds, and each seed.

    A run that ended early counts on at its last loss, and a diverged one at chance.

    Args:
        runs: of `rnnbench.load_results`.
        history: of `rnnbench.load_history`.
        gaps: that have a panel; else up to five of each task (three in a column).
        seeds: whether each one has a thin line.
    """
    chosen, where = begin(runs, options)
    rows = panel_rows(chosen, where.size, gaps)
    canvas = step_canvas(rows, chosen, where)
    numbers = chosen.runs.groupby(["task", "cell", "variant", "gap"], observed=True).ngroup()
    number_of = pd.Series(numbers.to_numpy(), index=chosen.runs["run_id"])
    evaluations = dict(iter(history.groupby(number_of.reindex(history["run_id"]).to_numpy())))
    positive = history.loc[history["loss"] > 0, ["run_id", "loss"]]
    least = positive.groupby("run_id")["loss"].min()
    levels, crosses = {}, 0
    for (task, kind, gap), panel in canvas.panels.items():
        own = chosen.of(task)
        _set_loss_axis(panel, own, least)
        at_gap = own[own["gap"] == gap]
        known_levels = _draw_levels(panel, at_gap)
        if gap == max(key[2] for row in rows for key in row if key[0] == task):
            levels[task, kind, gap] = known_levels
        for each, found in curves_at(chosen, at_gap, kind):
            losses = evaluations.get(numbers[found.index[0]])
            if losses is not None:
                crosses += _draw_losses(panel, found, losses, each, chosen.styles[each], seeds)
    name_panels(canvas, rows, chosen, "loss")
    named = naming.name_curves(canvas, rows, chosen, levels)
    entries = [*named, *_loss_entries(chosen, seeds, crosses)]
    naming.add_legend(canvas, entries, note=said_of_gaps(chosen, rows, where.size, gaps))
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


def _set_loss_axis(panel: Axes, runs: pd.DataFrame, least_of: pd.Series[float]) -> None:
    """Set a logarithmic axis for the losses of a task, from its least one up to above chance.

    Args:
        least_of: the least positive loss of each run.
    """
    losses = least_of.reindex(runs["run_id"]).dropna()
    top = float(np.clip(runs["chance_loss"].max(), SMALLEST, GREATEST))
    least = float(losses.min()) if len(losses) else top
    panel.set_yscale("log")
    panel.set_ylim(max(min(0.7 * least, 0.07 * top), top / 10**DECADES), 1.6 * top)
    panel.yaxis.set_major_locator(LogLocator(numticks=4))
    panel.yaxis.set_minor_formatter(NullFormatter())


def _draw_levels(panel: Axes, runs: pd.DataFrame) -> list[tuple[str, float]]:
    """Draw chance and the plateaus of the task; return their names and heights."""
    found: dict[tuple[str, float], None] = {}
    for _, run in runs.drop_duplicates("chance_loss").iterrows():
        plateaus = run["plateaus"] if isinstance(run["plateaus"], dict) else {}
        low, high = panel.get_ylim()
        for name, value in {"chance": run["chance_loss"], **plateaus}.items():
            if low <= value <= high:
                frame.draw_level(panel, value, name)
                found[name, float(value)] = None
    return list(found)


def _draw_losses(
    panel: Axes, runs: pd.DataFrame, history: pd.DataFrame, each: Curve, style: Style, thin: bool
) -> int:
    """Draw the losses of a curve at a gap; return how many runs have a cross, for they broke."""
    losses = history.pivot_table(index="step", columns="run_id", values="loss", dropna=False)
    low, high = panel.get_ylim()
    seeds = {}
    for run_id in runs["run_id"][: frame.MOST_SEEDS]:
        own = losses[run_id].to_numpy(float) if run_id in losses else np.empty(0)
        line = np.column_stack([losses.index[: own.size], own.clip(low, 10 * high)])
        seeds[run_id] = line[~np.isnan(own)]
    label = curve_label(*each)
    if thin and not style.is_behind:
        lines = [line for line in seeds.values() if len(line)]
        drawn = LineCollection(lines, colors=[style.colour], linewidths=0.5, alpha=0.35)
        drawn.set(label=f"_seeds {label}", zorder=2)
        panel.add_collection(drawn, autolim=False)
    middle = median_curve(runs, losses).clip(low, 10 * high)
    panel.plot(middle.index, middle, **{"zorder": 3} | style.line, label=label)
    broken = runs.loc[runs["status"].isin(BROKEN), "run_id"]
    crosses = [seeds[run_id][-1] for run_id in broken if len(seeds.get(run_id, ()))]
    if crosses:
        steps, heights = zip(*crosses, strict=True)
        panel.scatter(steps, heights, marker="x", s=16, color="0.15", zorder=4, label="_crosses")
    return len(crosses)


def median_curve(runs: pd.DataFrame, losses: pd.DataFrame) -> pd.Series[float]:
    """Return the median loss over seeds at every step at which one of them was evaluated.

    A run that ended keeps its last loss: a median over those still training would rise whenever
    one is solved. A run that broke stands at chance from there on, as it does in every mean.

    Args:
        runs: one row per run of a curve.
        losses: step x run_id, NaN where a run was not evaluated.
    """
    table = losses.reindex(columns=runs["run_id"])
    ended = table.ffill()
    broken = runs.loc[runs["status"].isin(BROKEN), "run_id"]
    was_evaluated_later = table[broken].notna()[::-1].cummax()[::-1]
    ended[broken] = ended[broken].where(was_evaluated_later)
    return ended.fillna(runs["chance_loss"].iloc[0]).median(axis="columns")


def _loss_entries(chosen: Selection, seeds: bool, crosses: int) -> list[tuple[Any, str]]:
    """Return the legend: what is drawn, and nothing that is not."""
    entries: list[tuple[Any, str]] = [(Line2D([], [], color=REFERENCE_COLOUR), "median of seeds")]
    if seeds:
        thin = Line2D([], [], color=REFERENCE_COLOUR, lw=0.5)
        entries.append((thin, frame.seed_note("one seed", chosen.runs)))
    entries.append((Line2D([], [], **frame.LEVEL), "chance, plateaus"))
    if crosses:
        cross = Line2D([], [], color="0.15", ls="none", marker="x", ms=4)
        entries.append((cross, "it diverged"))
    return entries
