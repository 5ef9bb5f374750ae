"""Draw loss and solved runs against the step: a row per task, a panel per gap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from rnnbench.plot.curves import CURVE, curves_of
from rnnbench.plot.summary import BROKEN
from rnnbench.report.document import Figure
from rnnbench.report.figures import frame
from rnnbench.report.figures.style import Curve, Style, curve_styles, themed
from rnnbench.report.study import Study
from rnnbench.statistics import solving_curve

MOST_GAPS = 10  # of a task, that have a panel
MEAN = "thick: mean over seeds (a run that ended keeps its last loss)"
CROSS = "cross: it diverged"
SHARE = ("line: share of all seeds that have solved the task by then", "band: 95 % interval")


@themed
def draw_learning_curves(results: pd.DataFrame, history: pd.DataFrame) -> Drawing:
    """Draw the loss of the evaluations during training, all gaps of a task on the same axes.

    Args:
        results: labelled, one row per run, with the tasks' `plateaus`.
        history: one row per run and evaluation.
    """
    results, some = _at_some_gaps(results)
    styles = curve_styles(curves_of(results))
    numbers = results.groupby([*CURVE, "gap"], observed=True).ngroup()
    results = results.assign(number=numbers)
    number_of = pd.Series(numbers.to_numpy(), index=results["run_id"])
    evaluations = dict(iter(history.groupby(history["run_id"].map(number_of))))
    figure, panels = _panels(results, 2.1, "loss")
    for panel, task, runs in panels:
        panel.set_ylim(0, 1.22 * task["chance_loss"].max())
        panel.yaxis.set_major_locator(MaxNLocator(4))
        for _, run in runs.drop_duplicates("chance_loss").iterrows():
            _draw_levels(panel, run, named=runs["gap"].iloc[0] == task["gap"].max())
        for curve, own in _curves(runs):
            number = own["number"].iloc[0]
            if number in evaluations:
                _draw_curve(panel, own, evaluations[number], styles[curve])
    frame.add_legend(figure, styles, (MEAN, frame.seed_note("thin", results), CROSS, *some))
    frame.stamp(figure, results["sweep"])
    return figure


def _panels(
    results: pd.DataFrame, height: float, ylabel: str
) -> tuple[Drawing, list[tuple[Axes, pd.DataFrame, pd.DataFrame]]]:
    """Return a figure, and for each panel its axes, the runs of its task and those at its gap."""
    tasks = {str(task): own for task, own in results.groupby("task")}
    rows = [[(task, gap) for gap in sorted(own["gap"].unique())] for task, own in tasks.items()]
    figure, panels = frame.panel_grid(rows, 2.5, height, ylabel)
    found = []
    for (task, gap), panel in panels.items():
        own = tasks[task]
        panel.set_title(f"{frame.plain(task)}, gap {gap}", fontsize="medium")
        panel.set(xlabel="step", xlim=(0, max(1, own["steps"].max())))
        panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
        panel.tick_params(labelleft=gap == own["gap"].min())
        found.append((panel, own, own[own["gap"] == gap]))
    return figure, found


def _curves(runs: pd.DataFrame) -> Iterator[tuple[Curve, pd.DataFrame]]:
    for (cell, variant), own in runs.groupby(["cell", "variant"], observed=True, sort=False):
        yield (str(cell), str(variant)), own


def mean_curve(runs: pd.DataFrame, losses: pd.DataFrame) -> pd.Series[float]:
    """Return the mean loss over seeds at every step at which one of them was evaluated.

    A run that ended keeps its last loss: a mean over those still training would rise whenever one
    is solved. A run that broke stands at chance from there on, as it does in every other mean.

    Args:
        runs: one row per run of a curve.
        losses: step x run_id, NaN where a run was not evaluated.
    """
    table = losses.reindex(columns=runs["run_id"])
    ended = table.ffill()
    broken = runs.loc[runs["status"].isin(BROKEN), "run_id"]
    was_evaluated_later = table[broken].notna()[::-1].cummax()[::-1]
    ended[broken] = ended[broken].where(was_evaluated_later)
    return ended.fillna(runs["chance_loss"].iloc[0]).mean(axis="columns")


def _draw_levels(panel: Axes, run: Any, named: bool) -> None:
    """Draw chance and the plateaus of a run's task; `named`: with their names, at the right."""
    plateaus = run.plateaus if isinstance(run.plateaus, dict) else {}
    for name, level in {"chance": run.chance_loss, **plateaus}.items():
        frame.mark_level(panel, level, name if named else "")


def _draw_curve(panel: Axes, runs: pd.DataFrame, history: pd.DataFrame, style: Style) -> None:
    losses = history.pivot_table(index="step", columns="run_id", values="loss", dropna=False)
    shown = [run_id for run_id in runs["run_id"][: frame.MOST_SEEDS] if run_id in losses]
    seeds = [losses[run_id].dropna() for run_id in shown]
    label = runs["label"].iloc[0]
    lines = [np.column_stack([seed.index, seed]) for seed in seeds if len(seed)]
    thin = LineCollection(lines, colors=[style.colour], linewidths=0.7, alpha=0.45)
    thin.set(label=f"_seeds {label}", zorder=2)
    panel.add_collection(thin)
    mean = mean_curve(runs, losses)
    look = {**style.marked, "markevery": max(1, len(mean) // 4), "markersize": 4.5}
    panel.plot(mean.index, mean, **look, lw=1.6, label=label, zorder=3)
    broken = set(runs.loc[runs["status"].isin(BROKEN), "run_id"])
    ends = [line for run_id, line in zip(shown, seeds, strict=True) if run_id in broken]
    crosses = [(line.index[-1], line.iloc[-1]) for line in ends if len(line)]
    if crosses:
        steps, heights = zip(*crosses, strict=True)
        panel.scatter(steps, heights, marker="x", s=22, color="0.15", zorder=4)


@themed
def draw_solving_curves(results: pd.DataFrame) -> Drawing:
    """Draw how many of the labelled runs have solved their task after so many steps.

    Runs that are not solved, diverged and failed ones included, stay in the count to the end.
    """
    results, some = _at_some_gaps(results)
    styles = curve_styles(curves_of(results))
    figure, panels = _panels(results, 1.9, "share solved")
    for panel, task, runs in panels:
        panel.set_ylim(-0.05, 1.05)
        for curve, own in _curves(runs):
            _draw_solving_curve(panel, own, float(task["steps"].max()), styles[curve])
    frame.add_legend(figure, styles, (*SHARE, *some), marked=False)
    frame.stamp(figure, results["sweep"])
    return figure


def _draw_solving_curve(panel: Axes, runs: pd.DataFrame, longest: float, style: Style) -> None:
    curve = solving_curve(runs["steps_to_solve"])
    steps = np.append(curve.steps, longest)
    solved, low, high = (np.append(part, part[-1]) for part in curve[1:])
    (line,) = panel.plot(steps, solved, drawstyle="steps-post", **style.line, lw=1.6, zorder=3)
    line.set_label(runs["label"].iloc[0])
    band = panel.fill_between(steps, low, high, step="post")
    band.set(color=style.colour, alpha=0.15, linewidth=0)


def _at_some_gaps(results: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the runs at up to MOST_GAPS gaps of each task, even in log gap, ends included.

    Beside them stands the legend's note on gaps that have no panel, if there are any.
    """
    gaps = results.groupby("task")["gap"].transform(lambda own: own.isin(_spread(own.unique())))
    some = results[gaps.astype(bool)]
    most, shown = (runs.groupby("task")["gap"].nunique().max() for runs in (results, some))
    return some, (f"panels: {shown} of {most} gaps",) if most > shown else ()


def _spread(gaps: np.ndarray) -> list[int]:
    """Return up to MOST_GAPS of different gaps, as even in log gap as they come."""
    ordered = np.sort(gaps)
    if len(ordered) <= MOST_GAPS:
        return [int(gap) for gap in ordered]
    wanted = np.geomspace(ordered[0], ordered[-1], MOST_GAPS)
    nearest = np.abs(np.log(ordered)[:, None] - np.log(wanted)).argmin(0)
    return [int(gap) for gap in ordered[np.unique(nearest)]]


def _rows_of_gaps(study: Study) -> pd.Series[int]:
    """Return how many panels each task has: one for each gap that is drawn."""
    return _at_some_gaps(study.results)[0].groupby("task")["gap"].nunique()


SOLVING = Figure(
    "solving_curves",
    "Share of runs that have solved their task after so many steps: accuracy of 0.99 at three "
    "evaluations in a row, of which the first counts. Band: 95 % interval of the share "
    "(Wilson). Runs that are never solved, diverged and failed ones included, are counted to the "
    "end.",
    draw=lambda study, size="text": draw_solving_curves(study.results),
    rows=_rows_of_gaps,
)
LEARNING = Figure(
    "learning_curves",
    "Loss of the evaluations during training. Thick: mean over seeds, where a run that ended early "
    "counts on at its last loss and a diverged one at chance. Thin: single seeds. Dotted: chance "
    "and known half-way solutions.",
    draw=lambda study, size="text": draw_learning_curves(study.results, study.history),
    rows=_rows_of_gaps,
)
