"""Draw the map of load and gap: the mean score at each, and the horizon at each load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Unpack

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from rnnbench.plot import frame, naming
from rnnbench.plot.curves import CURVE, Curve, labelled, labelled_without
from rnnbench.plot.frame import Canvas, Drawn
from rnnbench.plot.matrix import COLOURS, draw_bar, name_panel
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.reach import ARROWS, IN_ZONE, ZONE, drawn_at
from rnnbench.plot.selection import Selection
from rnnbench.plot.summary import scores_by_gap
from rnnbench.statistics import HORIZON, Horizon, HorizonRange, horizon_range

ACROSS = {"column": 3, "text": 3, "slides": 3, "phone": 1}
HEIGHTS = {"column": 1.5, "text": 2.1, "slides": 3.0, "phone": 2.1}  # of a row, in inches
STEP = 2.0  # factor between a single gap or load and the next that there might be
LINE: Any = {"color": "black", "zorder": 3}
Panel = tuple[str, Curve]
Edges = dict[float, tuple[float, float]]


@themed
def load(runs: pd.DataFrame, *, level: float = HORIZON, **options: Unpack[Options]) -> Drawn:
    """Draw mean scores by gap and load, and the horizon at each load as a line across them.

    A panel per task and cell, both axes logarithmic. The line is where the mean score falls below
    the level, linear in log gap; bars are its intervals. Arrows in the grey zone lie beyond the
    gaps that were run at that load, and no line goes through them.

    Args:
        runs: of `rnnbench.load_results`, of tasks with two loads (`load_bits`) at one gap.
        level: of the mean score.

    Raises:
        ValueError: no task was run at two loads at one gap.
    """
    found = by_load(runs)
    if found.empty:
        raise ValueError("runs must have a task with two loads (load_bits) at one gap, got none")
    chosen, where = begin(found, options)
    across = ACROSS[where.size]
    curves = {task: [c for c in chosen.curves if len(chosen.of(task, c))] for task in chosen.tasks}
    keys = [[(task, each) for each in curves[task]] for task in chosen.tasks]
    rows = frame.pack([row for own in keys for row in frame.split(own, across)], across)
    canvas = frame.make_canvas(rows, HEIGHTS[where.size], where, around=0.75)
    for row in rows:
        for place, key in enumerate(row):
            panel = canvas.panels[key]
            _draw_panel(canvas, panel, chosen, key, level)
            name_panel(canvas, panel, chosen, key)
            is_beside = canvas.is_own and place and row[place - 1][0] == key[0]
            panel.tick_params(labelleft=not is_beside)
    _name_axes(canvas, chosen, level)
    return canvas.drawn


def by_load(runs: pd.DataFrame) -> pd.DataFrame:
    """Return labelled runs of the curves with several loads at one gap, or no rows.

    The settings of a task that the load follows from are left out of the names: curves that differ
    in nothing else are one.
    """
    everything = labelled(runs)
    known = everything[everything["load_bits"].notna()]
    known = known[_has_several(known, ["task"])]
    if known.empty:
        return known
    found = labelled_without(known, _told_by_load(known))
    return found[_has_several(found, CURVE)]


def _has_several(runs: pd.DataFrame, group: list[str]) -> pd.Series[bool]:
    """Return, for every run, whether its group has several loads at one gap."""
    loads = runs.groupby([*group, "gap"], observed=True)["load_bits"].transform("nunique")
    groups = [runs[name] for name in group]
    return loads.groupby(groups, observed=True).transform("max") > 1


def _told_by_load(runs: pd.DataFrame) -> list[str]:
    """Return the settings of tasks that follow from the load and from those that remain."""
    names = [str(name) for name in runs if str(name).startswith("task.")]
    points = runs.drop_duplicates(["curve", "load_bits"])
    values = points[names].map(repr).assign(task=points["task"], load=points["load_bits"])
    kept = list(names)
    for name in names:
        others = [other for other in kept if other != name]
        if (values.groupby(["task", "load", *others])[name].nunique() <= 1).all():
            kept = others
    return [name for name in names if name not in kept]


def _draw_panel(canvas: Canvas, panel: Axes, chosen: Selection, key: Panel, level: float) -> None:
    """Draw one cell's mean scores as fields of colour, and its horizons across them."""
    runs, others = chosen.of(*key), chosen.of(key[0])
    gaps, loads = (sorted(map(float, others[name].unique())) for name in ("gap", "load_bits"))
    means = runs.pivot_table(index="load_bits", columns="gap", values="score", aggfunc="mean")
    means = means.reindex(index=loads, columns=gaps)
    across, up = edges(gaps), edges(loads)
    margin = max(gaps[0] / across[gaps[0]][0], across[gaps[-1]][1] / gaps[-1])
    frame.set_gap_ticks(panel, gaps, canvas.width, margin * ZONE)
    panel.set_yscale("log")
    panel.set_ylim(up[loads[0]][0], up[loads[-1]][1])
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_locator(FixedLocator(loads))
    panel.set_yticks(loads, [f"{bits:.3g}" for bits in loads])
    panel.grid(visible=False)
    panel.set_facecolor("0.91")  # where nothing was measured
    scores = np.ma.masked_invalid(means.to_numpy(dtype=float))
    fields = ([*across.values()], [*up.values()])
    corners = ([ends[0][0], *(high for _, high in ends)] for ends in fields)
    panel.pcolormesh(*corners, scores, cmap=COLOURS, vmin=0, vmax=1, label="_scores")
    found = {
        float(bits): horizon_range(scores_by_gap(own), level)  # type: ignore[arg-type]
        for bits, own in runs.groupby("load_bits")
    }
    _draw_horizons(panel, found, across)


def edges(values: Sequence[float]) -> Edges:
    """Return the ends of the field of each value: half-way to the next ones in the logarithm."""
    middles = [float(np.sqrt(one * other)) for one, other in pairwise(values)]
    first, last = (
        (values[0] / middles[0], values[-1] / middles[-1]) if middles else (STEP**-0.5, STEP**0.5)
    )
    ends = [values[0] * first, *middles, values[-1] * last]
    return dict(zip(values, pairwise(ends), strict=True))


def _draw_horizons(panel: Axes, found: Mapping[float, HorizonRange], across: Edges) -> None:
    """Draw a line through the horizons at all loads, with their intervals, and arrows beyond."""
    size = float(mpl.rcParams["font.size"])
    inside = [np.nan if own.horizon.bound else own.horizon.gap for own in found.values()]
    panel.plot(inside, list(found), **LINE, lw=size / 7, label="_horizon")
    for bits, own in found.items():
        if own.low is not None and own.high is not None:
            ends = [_placed(end, across, ZONE) for end in (own.low, own.high)]
            panel.plot(ends, [bits, bits], **LINE, lw=size / 9, label=f"_interval {bits:g}")
        marker = ARROWS.get(own.horizon.bound, "o")
        look: Any = {**LINE, "mfc": "white", "mew": size / 9, "ms": size * 0.55, "zorder": 4}
        x = _placed(own.horizon, across, IN_ZONE)
        panel.plot([x], [bits], marker=marker, ls="none", **look, label=f"_horizon {bits:g}")


def _placed(end: Horizon, across: Edges, beyond: float) -> float:
    """Return where a horizon is drawn: beyond the field of the outer gap if it lies beyond that."""
    low, high = across[end.gap] if end.bound else (end.gap, end.gap)
    return drawn_at(end._replace(gap=high if end.bound == ">" else low), beyond)


def _name_axes(canvas: Canvas, chosen: Selection, level: float) -> None:
    """Name the axes once for all panels, what the colours say, and the line."""
    first = next(iter(canvas.panels.values()))
    if canvas.is_own:
        size = mpl.rcParams["axes.labelsize"]
        canvas.figure.supxlabel("gap (time steps)", fontsize=size)
        canvas.figure.supylabel("load (bits)", fontsize=size)
        draw_bar(canvas, first.collections[0])
    else:
        first.set(xlabel="gap (time steps)", ylabel="load (bits)")
    line = Line2D([], [], **LINE, marker="o", mfc="white", ms=4)
    entries: list[tuple[Any, str]] = [(line, f"horizon: mean score falls below {level:g}")]
    drawn = {line.get_marker() for panel in canvas.panels.values() for line in panel.lines}
    if drawn & set(ARROWS.values()):
        arrow = Line2D([], [], **LINE, ls="none", marker=">", mfc="white", ms=4)
        entries.append((arrow, "beyond the gaps run"))
    naming.add_legend(canvas, entries, above=True)
    frame.stamp(canvas, chosen.runs["sweep"])
