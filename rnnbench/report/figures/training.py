"""Draw loss and solved runs against the step: a row per task, a panel per gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from rnnbench.report.curves import CURVE, curves_of
from rnnbench.report.document import Figure
from rnnbench.report.figures.frame import (
    MOST_SEEDS,
    add_legend,
    mark_level,
    panel_grid,
    plain,
    seed_note,
    stamp,
)
from rnnbench.report.figures.style import THEME, Curve, Style, curve_styles
from rnnbench.report.study import Study
from rnnbench.report.summary import BROKEN
from rnnbench.statistics import solving_curve

MOST_GAPS = 10  # of a task, that have a panel
MEAN = "thick: mean over seeds (a run that ended keeps its last loss)"
CROSS = "cross: it diverged"
SHARE = ("line: share of all seeds that have solved the task by then", "band: 95 % interval")


def draw_learning_curves(results: pd.DataFrame, history: pd.DataFrame) -> Drawing:
    """Draw the loss of the evaluations during training.

    Args:
        results: labelled, one row per run, with the tasks' `plateaus`.
        history: one row per run and evaluation.
    """
    some, results = _gap_notes(results), _at_some_gaps(results)
    gaps = results.groupby("task")["gap"].unique().map(sorted)
    styles = curve_styles(curves_of(results))
    numbers = results.groupby([*CURVE, "gap"], observed=True).ngroup()
    results = results.assign(number=numbers)
    number_of = pd.Series(numbers.to_numpy(), index=results["run_id"])
    evaluations = history.groupby(history["run_id"].map(number_of))
    curves = {int(number): rows for number, rows in evaluations}
    with mpl.rc_context(THEME):
        figure, panels = panel_grid(len(gaps), max(map(len, gaps)), 2.5, 2.1)
        across = len(panels) // len(gaps)
        for row, task in enumerate(gaps.index):
            own = results[results.task == task]
            _draw_row(panels[row * across : (row + 1) * across], own, curves, styles)
        add_legend(figure, styles, (MEAN, seed_note("thin", results), CROSS, *some))
        if "smoke" in set(results["sweep"]):
            stamp(figure.axes, "smoke")
    return figure


def _draw_row(
    panels: Sequence[Axes],
    runs: pd.DataFrame,
    curves: Mapping[int, pd.DataFrame],
    styles: Mapping[Curve, Style],
) -> None:
    """Draw one task, all gaps on the same axes; the names of levels stand at the right end."""
    gaps = sorted(runs["gap"].unique())
    for panel in panels[len(gaps) :]:
        panel.remove()
    for panel, gap in zip(panels, gaps, strict=False):
        panel.set(ylim=(0, 1.22 * runs["chance_loss"].max()), xlabel="step")
        panel.set_xlim(0, max(1, runs["steps"].max()))
        panel.tick_params(labelleft=gap == gaps[0])
        _draw_condition(panel, runs[runs.gap == gap], curves, styles, named=gap == gaps[-1])
    panels[0].set_ylabel("loss")


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


def _draw_condition(
    panel: Axes,
    runs: pd.DataFrame,
    curves: Mapping[int, pd.DataFrame],
    styles: Mapping[Curve, Style],
    named: bool,
) -> None:
    """Draw one task at one gap; in a `named` panel the levels have their names."""
    first = runs.iloc[0]
    panel.set_title(f"{plain(first.task)}, gap {first.gap}", fontsize="medium")
    panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
    panel.yaxis.set_major_locator(MaxNLocator(4))
    plateaus = first.plateaus if isinstance(first.plateaus, dict) else {}
    levels = {"chance": first.chance_loss} | plateaus
    for name, level in levels.items():
        mark_level(panel, level, name if named else "")
    for (cell, variant), own in runs.groupby(["cell", "variant"], observed=True, sort=False):
        number = int(own["number"].iloc[0])
        if number in curves:
            _draw_curve(panel, own, curves[number], styles[str(cell), str(variant)])


def _draw_curve(panel: Axes, runs: pd.DataFrame, history: pd.DataFrame, style: Style) -> None:
    losses = history.pivot_table(index="step", columns="run_id", values="loss", dropna=False)
    shown = [run_id for run_id in runs["run_id"][:MOST_SEEDS] if run_id in losses]
    seeds = [losses[run_id].dropna() for run_id in shown]
    label = runs["label"].iloc[0]
    lines = [np.column_stack([seed.index, seed]) for seed in seeds if len(seed)]
    thin = LineCollection(lines, colors=[style.colour], linewidths=0.7, alpha=0.45)
    thin.set(label=f"_seeds {label}", zorder=2)
    panel.add_collection(thin)
    mean = mean_curve(runs, losses)
    panel.plot(
        mean.index,
        mean,
        color=style.colour,
        linestyle=style.linestyle,
        marker=style.marker,
        markevery=max(1, len(mean) // 4),
        markersize=4.5,
        markeredgecolor="white",
        lw=1.6,
        label=label,
        zorder=3,
    )
    broken = set(runs.loc[runs["status"].isin(BROKEN), "run_id"])
    ends = [line for run_id, line in zip(shown, seeds, strict=True) if run_id in broken]
    crosses = [(line.index[-1], line.iloc[-1]) for line in ends if len(line)]
    if crosses:
        steps, heights = zip(*crosses, strict=True)
        panel.scatter(steps, heights, marker="x", s=22, color="0.15", zorder=4)


def draw_solving_curves(results: pd.DataFrame) -> Drawing:
    """Draw how many runs have solved their task after so many steps.

    Runs that are not solved, diverged and failed ones included, stay in the count to the end.

    Args:
        results: labelled, one row per run.
    """
    some, results = _gap_notes(results), _at_some_gaps(results)
    gaps = results.groupby("task")["gap"].unique().map(sorted)
    styles = curve_styles(curves_of(results))
    with mpl.rc_context(THEME):
        figure, panels = panel_grid(len(gaps), max(map(len, gaps)), 2.5, 1.9)
        across = len(panels) // len(gaps)
        for row, task in enumerate(gaps.index):
            own = results[results.task == task]
            _draw_solving_row(panels[row * across : (row + 1) * across], own, styles)
        add_legend(figure, styles, (*SHARE, *some), marked=False)
        if "smoke" in set(results["sweep"]):
            stamp(figure.axes, "smoke")
    return figure


def _draw_solving_row(
    panels: Sequence[Axes], runs: pd.DataFrame, styles: Mapping[Curve, Style]
) -> None:
    gaps = sorted(runs["gap"].unique())
    longest = float(runs["steps"].max())
    for panel in panels[len(gaps) :]:
        panel.remove()
    for panel, gap in zip(panels, gaps, strict=False):
        panel.set_title(f"{plain(runs.iloc[0].task)}, gap {gap}", fontsize="medium")
        panel.set(ylim=(-0.05, 1.05), xlim=(0, max(1.0, longest)), xlabel="step")
        panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
        panel.tick_params(labelleft=gap == gaps[0])
        points = runs[runs.gap == gap]
        for (cell, variant), own in points.groupby(["cell", "variant"], observed=True, sort=False):
            _draw_solving_curve(panel, own, longest, styles[str(cell), str(variant)])
    panels[0].set_ylabel("share solved")


def _draw_solving_curve(panel: Axes, runs: pd.DataFrame, longest: float, style: Style) -> None:
    curve = solving_curve(runs["steps_to_solve"], np.full(len(runs), longest))
    steps = np.concatenate([[0.0], curve.steps, [longest]])
    solved = np.concatenate([[0.0], curve.solved, curve.solved[-1:]])
    panel.plot(
        steps,
        solved,
        drawstyle="steps-post",
        color=style.colour,
        linestyle=style.linestyle,
        lw=1.6,
        label=runs["label"].iloc[0],
        zorder=3,
    )
    band = panel.fill_between(curve.steps, curve.low, curve.high, step="post")
    band.set(color=style.colour, alpha=0.15, linewidth=0)


def _at_some_gaps(results: pd.DataFrame) -> pd.DataFrame:
    """Return the runs at up to MOST_GAPS gaps of each task, even in log gap, ends included."""
    gaps = results.groupby("task")["gap"].transform(lambda own: own.isin(_spread(own.unique())))
    return results[gaps.astype(bool)]


def _gap_notes(results: pd.DataFrame) -> tuple[str, ...]:
    """Return the legend's note on gaps that have no panel; none where all have one."""
    most, shown = (
        int(runs.groupby("task")["gap"].nunique().max())
        for runs in (results, _at_some_gaps(results))
    )
    return (f"panels: {shown} of {most} gaps",) if most > shown else ()


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
    return _at_some_gaps(study.results).groupby("task")["gap"].nunique()


SOLVING = Figure(
    "solving_curves",
    "Share of runs that have solved their task after so many steps: accuracy of 0.99 at three "
    "evaluations in a row, of which the first counts. Kaplan-Meier estimate; runs that are never "
    "solved, diverged and failed ones included, are counted to the end.",
    draw=lambda study: draw_solving_curves(study.results),
    rows=_rows_of_gaps,
)
LEARNING = Figure(
    "learning_curves",
    "Loss of the evaluations during training. Thick: mean over seeds, where a run that ended early "
    "counts on at its last loss and a diverged one at chance. Thin: single seeds. Dotted: chance "
    "and known half-way solutions.",
    draw=lambda study: draw_learning_curves(study.results, study.history),
    rows=_rows_of_gaps,
)
