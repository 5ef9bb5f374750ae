"""Compare starts of the gate that keeps the old state: how far does each reach?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from rnnbench.plot.summary import scores_by_gap
from rnnbench.report.document import Block, Bullets, Figure, Heading, one_panel_each
from rnnbench.report.figures.frame import panel_grid, plain
from rnnbench.report.figures.style import REFERENCE_COLOUR, Style, curve_styles, themed
from rnnbench.report.study import Study
from rnnbench.statistics import HorizonRange, horizon_range

CHRONO = "chrono"
POINT = ["task", "cell", "init", "keep_bias"]


def keep_bias_horizons(results: pd.DataFrame) -> pd.DataFrame:
    """Return a horizon for every start of the cells that were run with several; else no rows.

    Columns: task, cell, start (a keep bias, or chrono), horizon (HorizonRange). Starts other than
    torch's and chrono's are left out, and so are cells without a keep gate.
    """
    rows = []
    for (task, cell, init, bias), own in _with_several(results).groupby(
        POINT, dropna=False, observed=True
    ):
        start = CHRONO if init == CHRONO else bias
        rows.append((task, cell, start, horizon_range(scores_by_gap(own))))
    return pd.DataFrame(rows, columns=["task", "cell", "start", "horizon"])


def _with_several(results: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the cells that were run with more than two starts."""
    known = results["keep_bias"].notna() & (results["init"] == "torch")
    runs = results[known | (results["init"] == CHRONO)]
    starts = runs["keep_bias"].mask(runs["init"] == CHRONO, math.inf)
    several = starts.groupby([runs["task"], runs["cell"]], observed=True).transform("nunique") > 2
    return runs[several]


def half_life(bias: float) -> float:
    """Return after how many time steps a gate at this bias alone has kept half.

    ln 2 / -ln sigmoid(b): what a gate multiplies the old state with at every time step, when
    neither the input nor the state says anything.
    """
    with np.errstate(divide="ignore"):  # of a gate that is as good as open: infinite
        return float(np.log(2) / np.logaddexp(0, -bias))


@themed
def draw_keep_bias(table: pd.DataFrame) -> Drawing:
    """Draw horizons against keep bias: a panel per task, a line per cell, chrono at the right."""
    tasks = sorted(table["task"].unique())
    styles = curve_styles([(cell, "") for cell in sorted(table["cell"].unique())])
    figure, panels = panel_grid([tasks], 3.6, 3.2, "horizon (time steps)")
    for task, panel in panels.items():
        _draw_task(panel, table[table.task == task], styles)
        panel.set(title=plain(task), xlabel="keep bias", yscale="log")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _draw_task(panel: Axes, points: pd.DataFrame, styles: dict[tuple[str, str], Style]) -> None:
    numbers = sorted({start for start in points["start"] if start != CHRONO})
    places: dict[object, float] = {number: float(number) for number in numbers}
    ticks = [f"{number:g}" for number in numbers]
    if CHRONO in set(points["start"]):
        places[CHRONO] = numbers[-1] + 1.2
        ticks.append(CHRONO)
    biases = np.linspace(numbers[0], numbers[-1], 100)
    expected = [half_life(bias) for bias in biases]
    panel.plot(biases, expected, ":", color=REFERENCE_COLOUR, label="half-life of the gate")
    panel.set_xticks(list(places.values()), ticks)
    for (cell,), own in points.groupby(["cell"], observed=True):
        style = styles[str(cell), ""]
        shift = 0.08 * (list(styles).index((str(cell), "")) - (len(styles) - 1) / 2)
        own = own.assign(x=[places[start] + shift for start in own["start"]]).sort_values("x")
        heights = np.array([found.horizon.gap for found in own["horizon"]])
        line = own["start"] != CHRONO
        panel.plot(own["x"][line], heights[line], **style.line, label=plain(str(cell)), lw=1.6)
        for x, found in zip(own["x"], own["horizon"], strict=True):
            _draw_point(panel, x, found, style)


def _draw_point(panel: Axes, x: float, found: HorizonRange, style: Style) -> None:
    """Draw one horizon: an arrowhead where it lies beyond what was measured."""
    marker = {"": style.marker, ">": "$\\uparrow$", "<": "$\\downarrow$"}[found.horizon.bound]
    if found.low is not None and found.high is not None:
        panel.plot([x, x], [found.low.gap, found.high.gap], color=style.colour, lw=1, alpha=0.7)
    panel.plot([x], [found.horizon.gap], marker=marker, color=style.colour, ms=7, ls="none")


KEEP_BIAS = Figure(
    "horizon_vs_keep_bias",
    "Horizon against the bias that the gate which keeps the old state starts with; bars: 95 % "
    "interval, arrows: beyond the measured gaps. Dotted: after how many time steps a gate at that "
    "bias alone has kept half, ln 2 / -ln sigmoid(b). Chrono draws the bias of every unit between "
    "log 1 and log(gap - 1).",
    draw=lambda study, size="text": draw_keep_bias(keep_bias_horizons(study.results)),
    rows=lambda study: one_panel_each(sorted(_with_several(study.results)["task"].unique())),
)


def keep_bias_section(study: Study) -> Iterator[Block]:
    """Yield horizons against keep bias; nothing where no cell was run with several."""
    starts = keep_bias_horizons(study.results)
    if not starts.empty:
        yield Heading("Horizon against keep bias")
        yield KEEP_BIAS
        yield Bullets(tuple(rankings(starts)))


def rankings(table: pd.DataFrame) -> list[str]:
    """Say in words, for every pair of cells, whether their order turns over with the start.

    A cell is ahead where its whole interval lies beyond the other's.
    """
    lines = []
    for task, points in table.groupby("task"):
        by_start = points.set_index(["start", "cell"])["horizon"].unstack()
        for pair in combinations(sorted(points["cell"].unique()), 2):
            ahead: dict[str, list[str]] = {cell: [] for cell in pair}
            for start, row in by_start[[*pair]].dropna().iterrows():
                for cell, other in (pair, pair[::-1]):
                    if row[cell].beyond(row[other]):
                        ahead[cell].append(start if start == CHRONO else f"{start:g}")
            lines.append(f"{task}: {_sentence(ahead)}")
    return lines


def _sentence(ahead: dict[str, list[str]]) -> str:
    first, second = ahead
    parts = " and ".join(f"{cell} at {', '.join(at)}" for cell, at in ahead.items() if at)
    if ahead[first] and ahead[second]:
        return f"which cell remembers farther turns over with the keep bias, {parts}."
    if not parts:
        return f"at no keep bias do the intervals of {first} and {second} part."
    return f"{parts} remembers farther; nowhere is it the other way round."
