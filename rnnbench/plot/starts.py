"""Draw horizons against the bias that the gate which keeps the old state starts with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from rnnbench.plot import frame, naming
from rnnbench.plot.frame import Canvas, Drawn
from rnnbench.plot.looks import Style, curve_styles
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.reach import IN_ZONE, ZONE, drawn_at
from rnnbench.plot.selection import plain, shortened
from rnnbench.plot.summary import scores_by_gap
from rnnbench.statistics import HORIZON, horizon_range

CHRONO = "chrono"
POINT = ["task", "cell", "init", "keep_bias"]
ACROSS = {"column": 1, "text": 3, "slides": 3, "phone": 1}
HEIGHTS = {"column": 1.9, "text": 2.1, "slides": 3.2, "phone": 1.9}  # of a row, in inches
ARROWS = {">": "^", "<": "v"}
SHIFT = 0.03  # of the axis, between cells


@themed
def keep_bias(runs: pd.DataFrame, *, level: float = HORIZON, **options: Unpack[Options]) -> Drawn:
    """Draw horizons against the keep bias: a panel per task, a line per cell, chrono at the right.

    Arrows in the grey zone lie beyond the gaps that were run, and no line goes through them. A
    task on which all horizons do is left out, and named.

    Args:
        runs: of `rnnbench.load_results`, of cells with more than two starts.
        level: of the mean score.

    Raises:
        ValueError: no cell was run with several starts, or no horizon lies within the gaps.
    """
    chosen, where = begin(runs, options)
    table = keep_bias_horizons(chosen.runs, level)
    if table.empty:
        raise ValueError("runs must have a cell with more than two keep biases, got none")
    measured, beyond = drawn_tasks(table)
    if not measured:
        raise ValueError("runs must have a horizon within the gaps that were run, got none")
    across = ACROSS[where.size]
    rows = frame.split(measured, across)
    canvas = frame.make_canvas(rows, HEIGHTS[where.size], where, around=0.7)
    names = [(str(cell), "") for cell in table["cell"].drop_duplicates().sort_values()]
    looks = curve_styles(names, options.get("palette"))
    for place, (task, panel) in enumerate(canvas.panels.items()):
        gaps = sorted(chosen.of(task)["gap"].unique())
        _draw_task(canvas, panel, table[table["task"] == task], gaps, looks)
        panel.set(title=plain(shortened(task, canvas.longest)), xlabel="keep bias")
        if not canvas.is_own or place % across == 0:
            panel.set_ylabel("horizon (time steps)")
    entries = [
        (Line2D([], [], **look.marked, ms=4.5), chosen.name(each)) for each, look in looks.items()
    ]
    dotted = Line2D([], [], **frame.LEVEL)
    note = f"All horizons lie beyond the gaps run: {', '.join(beyond)}." if beyond else ""
    naming.add_legend(canvas, [*entries, (dotted, "half-life of the gate alone")], note=note)
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


def keep_bias_horizons(results: pd.DataFrame, level: float = HORIZON) -> pd.DataFrame:
    """Return a horizon for every start of the cells that were run with several; else no rows.

    Columns: task, cell, start (a keep bias, or chrono), horizon (HorizonRange). Starts other than
    torch's and chrono's are left out, and so are cells without a keep gate.
    """
    rows = []
    for (task, cell, init, bias), own in with_several(results).groupby(POINT, dropna=False):
        start = CHRONO if init == CHRONO else bias
        rows.append((task, cell, start, horizon_range(scores_by_gap(own), level)))
    table = pd.DataFrame(rows, columns=["task", "cell", "start", "horizon"])
    return table.assign(cell=pd.Categorical(table["cell"], pd.unique(table["cell"]), ordered=True))


def with_several(results: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the cells that were run with more than two starts."""
    known = results["keep_bias"].notna() & (results["init"] == "torch")
    runs = results[known | (results["init"] == CHRONO)]
    starts = runs["keep_bias"].mask(runs["init"] == CHRONO, math.inf)
    several = starts.groupby([runs["task"], runs["cell"]], observed=True).transform("nunique") > 2
    return runs[several]


def drawn_tasks(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the tasks with a horizon within the gaps that were run, and the others."""
    within = pd.Series([found.horizon.bound == "" for found in table["horizon"]], dtype=bool)
    found = within.groupby(table["task"].to_numpy(), sort=False).any()
    tasks = [str(task) for task in found.index]
    return [t for t in tasks if found[t]], [t for t in tasks if not found[t]]


def half_life(bias: float) -> float:
    """Return after how many time steps a gate at this bias alone has kept half.

    ln 2 / -ln sigmoid(b): what a gate multiplies the old state with at every time step, when
    neither the input nor the state says anything.
    """
    with np.errstate(divide="ignore"):  # of a gate that is as good as open: infinite
        return float(np.log(2) / np.logaddexp(0, -bias))


def _draw_task(
    canvas: Canvas,
    panel: Axes,
    points: pd.DataFrame,
    gaps: Sequence[float],
    looks: dict[tuple[str, str], Style],
) -> None:
    """Draw the cells of a task, on an axis of its gaps, grey beyond them."""
    numbers = sorted({float(start) for start in points["start"] if start != CHRONO})
    # Even steps: of 0, 1 and 100 in their own places the first two would lie on each other.
    places: dict[object, float] = {number: float(place) for place, number in enumerate(numbers)}
    ticks = [f"{number:g}" for number in numbers]
    if CHRONO in set(points["start"]):
        places[CHRONO] = max(places.values()) + 1
        ticks.append(CHRONO)
    panel.set_xticks(list(places.values()), ticks)
    panel.set_xlim(min(places.values()) - 0.5, max(places.values()) + 0.5)
    _set_gap_axis(panel, gaps)
    expected = [half_life(number) for number in numbers]
    top = panel.get_ylim()[1]
    shown = [
        (places[number], min(e, 10 * top)) for number, e in zip(numbers, expected, strict=True)
    ]
    panel.plot(*zip(*shown, strict=True), **frame.LEVEL, label="half-life of the gate")
    for number, ((cell, _), style) in enumerate(looks.items()):
        own = points[points["cell"] == cell]
        shift = SHIFT * len(places) * (number - (len(looks) - 1) / 2)
        own = own.assign(x=[places[start] + shift for start in own["start"]]).sort_values("x")
        _draw_cell(panel, own, cell, style)


def _set_gap_axis(panel: Axes, gaps: Sequence[float]) -> None:
    """Set a logarithmic axis of gaps, with grey zones beyond the outer ones."""
    panel.set_yscale("log")
    low, high = gaps[0] / ZONE, gaps[-1] * ZONE
    panel.set_ylim(low, high)
    panel.yaxis.set_major_locator(FixedLocator(gaps))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.set_yticks(gaps, [f"{gap:g}" for gap in gaps])
    for ends in ((low, gaps[0]), (gaps[-1], high)):
        panel.axhspan(*ends, color="0.91", lw=0, zorder=0, label="_beyond")


def _draw_cell(panel: Axes, points: pd.DataFrame, cell: str, style: Style) -> None:
    """Draw the horizons of a cell: a line through those that were measured, arrows beyond."""
    size = float(mpl.rcParams["font.size"])
    heights = [
        np.nan if own.horizon.bound or start == CHRONO else own.horizon.gap
        for own, start in zip(points["horizon"], points["start"], strict=True)
    ]
    panel.plot(points["x"], heights, **style.line, lw=size / 7, label=cell, zorder=2)
    low, high = panel.get_ylim()
    for x, own in zip(points["x"], points["horizon"], strict=True):
        if own.low is not None and own.high is not None:
            ends = np.clip([drawn_at(own.low, ZONE), drawn_at(own.high, ZONE)], low, high)
            panel.plot([x, x], ends, color=style.colour, lw=size / 9, alpha=0.6, label="_interval")
        y = drawn_at(own.horizon, IN_ZONE)
        marker = ARROWS.get(own.horizon.bound, style.marker)
        look: Any = {"mec": "white", "mew": 0.5, "ms": size * 0.7, "ls": "none", "zorder": 4}
        panel.plot([x], [y], marker=marker, color=style.colour, **look, label="_horizon")
