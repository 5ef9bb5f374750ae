"""Share of runs solved against step: a row per task, a panel per gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnnbench.report.figure import add_legend, panel_grid, plain, stamp
from rnnbench.report.some_gaps import at_some_gaps, gap_notes
from rnnbench.report.style import THEME, Curve, Style, curve_styles
from rnnbench.report.variants import curves_of
from rnnbench.statistics import solving_curve

NOTES = ("line: share of all seeds that have solved the task by then", "band: 95 % interval")


def draw_solving_curves(results: pd.DataFrame) -> Figure:
    """Draw how many runs have solved their task after so many steps.

    Runs that are not solved, diverged and failed ones included, stay in the count to the end.

    Args:
        results: labelled, one row per run.
    """
    some, results = gap_notes(results), at_some_gaps(results)
    gaps = results.groupby("task")["gap"].unique().map(sorted)
    styles = curve_styles(curves_of(results))
    with mpl.rc_context(THEME):
        figure, panels = panel_grid(len(gaps), max(map(len, gaps)), 2.5, 1.9)
        across = len(panels) // len(gaps)
        for row, task in enumerate(gaps.index):
            own = results[results.task == task]
            _draw_row(panels[row * across : (row + 1) * across], own, styles)
        add_legend(figure, styles, (*NOTES, *some), marked=False)
        if "smoke" in set(results["sweep"]):
            stamp(figure.axes, "smoke")
    return figure


def _draw_row(panels: Sequence[Axes], runs: pd.DataFrame, styles: Mapping[Curve, Style]) -> None:
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
            _draw_curve(panel, own, longest, styles[str(cell), str(variant)])
    panels[0].set_ylabel("share solved")


def _draw_curve(panel: Axes, runs: pd.DataFrame, longest: float, style: Style) -> None:
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
