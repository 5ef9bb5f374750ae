"""Accuracy or score against the gap: a panel per task, a line per curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from rnnbench.report.figure import add_legend, mark_level, name_level, panel_grid, stamp
from rnnbench.report.style import REFERENCE_COLOUR, THEME, Curve, Style, curve_styles
from rnnbench.report.variants import curves_of

Floats = NDArray[np.float64]
NOTES = ("line: mean over seeds", "band: 95 % interval of the mean", "open mark: one seed")
LABEL_ROOM = 0.075  # of the axis: narrower ticks stay without a number


def draw_against_gap(results: pd.DataFrame, summary: pd.DataFrame, measure: str) -> Figure:
    """Draw a measure in [0, 1] against the gap.

    Args:
        results: labelled, one row per run.
        summary: one row per curve and gap.
        measure: "accuracy" or "score"; values outside [0, 1] are drawn at its ends.
    """
    tasks = sorted(results["task"].unique())
    styles = curve_styles(curves_of(results))
    columns = min(3, len(tasks))
    with mpl.rc_context(THEME):
        figure, panels = panel_grid(math.ceil(len(tasks) / columns), columns, 3.6, 2.9)
        for panel in panels[len(tasks) :]:
            panel.remove()
        for panel, task in zip(panels, tasks, strict=False):
            runs, points = results[results.task == task], summary[summary.task == task]
            _draw_task(panel, runs, points, measure, styles)
        add_legend(figure, styles, NOTES)
        if "smoke" in set(results["sweep"]):
            stamp(panels[: len(tasks)], "smoke")
    return figure


def _draw_task(
    panel: Axes,
    runs: pd.DataFrame,
    points: pd.DataFrame,
    measure: str,
    styles: dict[Curve, Style],
) -> None:
    gaps = sorted(runs["gap"].unique())
    room = _room_at_a_gap(gaps)
    varies = (runs["least_distance"] < runs["greatest_distance"]).any()
    xlabel = "gap (time steps; distances vary)" if varies else "gap (time steps)"
    panel.set(title=runs["task"].iloc[0], xlabel=xlabel, ylabel=measure)
    panel.set(xscale="log", ylim=(-0.04, 1.04))
    _set_gap_ticks(panel, gaps)
    _draw_chance(panel, runs, measure)
    curves = list(points.groupby(["cell", "variant"], observed=True, sort=False))
    for place, ((cell, variant), curve) in enumerate(curves):
        style = styles[str(cell), str(variant)]
        own = runs[(runs.cell == cell) & (runs.variant == variant)]
        _draw_curve(panel, curve, measure, style)
        columns = room * (_spread(place, len(curves)) + _seed_places(own) / len(curves))
        _draw_seeds(panel, own, measure, style, columns)


def _draw_curve(panel: Axes, curve: pd.DataFrame, measure: str, style: Style) -> None:
    """Draw the mean over seeds and the band of its interval."""
    parts = [f"{measure}_{part}" for part in ("mean", "low", "high")]
    mean, low, high = curve[parts].clip(0, 1).to_numpy(dtype=float).T
    gaps = curve["gap"].to_numpy(dtype=float)
    label = curve["label"].iloc[0]
    band: dict[str, Any] = {"color": style.colour, "alpha": 0.14, "label": f"_interval {label}"}
    panel.fill_between(gaps, low, high, linewidth=0, zorder=1.5, **band)
    alone = _isolated(np.isfinite(low))
    panel.vlines(gaps[alone], low[alone], high[alone], lw=6, **band | {"label": "_alone"})
    panel.plot(
        gaps,
        mean,
        color=style.colour,
        linestyle=style.linestyle,
        marker=style.marker,
        markersize=6,
        markeredgecolor="white",
        lw=1.7,
        label=label,
        zorder=4,
    )


def _draw_seeds(panel: Axes, runs: pd.DataFrame, measure: str, style: Style, aside: Floats) -> None:
    """Draw one small mark per run, moved aside in log gap so that equal outcomes are seen."""
    panel.scatter(
        runs["gap"].to_numpy(dtype=float) * np.exp(aside),
        runs[measure].clip(0, 1).to_numpy(dtype=float),
        s=11,
        facecolors="white",
        edgecolors=[style.colour],
        marker=style.marker,
        linewidths=0.8,
        label=f"_seeds {runs['label'].iloc[0]}",
        zorder=5,
    )


def _seed_places(runs: pd.DataFrame) -> Floats:
    """Return each run's place in [-0.5, 0.5] among the curve's seeds, in their order."""
    seeds = sorted(runs["seed"].unique())
    return np.array([_spread(seeds.index(seed), len(seeds)) for seed in runs["seed"]])


def _draw_chance(panel: Axes, runs: pd.DataFrame, measure: str) -> None:
    """Draw chance as a level, or as a line where it changes with the gap."""
    if measure == "score":
        mark_level(panel, 0.0, "chance")
        return
    chance = runs.groupby("gap")["chance_accuracy"].first()
    if chance.nunique() == 1:
        mark_level(panel, float(chance.iloc[0]), "chance")
        return
    panel.plot(chance.index, chance, color=REFERENCE_COLOUR, ls=":", lw=1.2, label="_chance")
    name_level(panel, float(chance.iloc[-1]), "chance")


def _set_gap_ticks(panel: Axes, gaps: Sequence[float]) -> None:
    margin = 1.25 if len(gaps) > 1 else 2
    low, high = gaps[0] / margin, gaps[-1] * margin
    panel.set_xlim(low, high)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_locator(FixedLocator(gaps))
    labels, last = [], -math.inf
    for gap in gaps:
        place = math.log(gap / low) / math.log(high / low)
        shown = place - last >= LABEL_ROOM
        labels.append(f"{gap:g}" if shown else "")
        last = place if shown else last
    panel.set_xticks(gaps, labels)


def _room_at_a_gap(gaps: Sequence[float]) -> float:
    """Return the width, in log gap, in which a gap's marks stay clear of its neighbours'."""
    nearest = np.diff(np.log(gaps)).min() if len(gaps) > 1 else math.log(2)
    return 0.5 * float(nearest)


def _spread(place: int, count: int) -> float:
    """Return a position in [-0.5, 0.5], even over `count` places."""
    return (place + 0.5) / count - 0.5


def _isolated(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the known points without a known neighbour, between which no band can be drawn."""
    padded = np.pad(known, 1)
    return known & ~padded[:-2] & ~padded[2:]
