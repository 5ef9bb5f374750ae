"""Accuracy or score against the gap: a panel per task, a line per curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from rnnbench.report.curves import CURVE, curves_of, is_tuned, without_rate
from rnnbench.report.figures.frame import (
    MOST_SEEDS,
    add_legend,
    mark_level,
    name_level,
    panel_grid,
    plain,
    room_at_a_gap,
    seed_note,
    set_gap_ticks,
    stamp,
)
from rnnbench.report.figures.style import REFERENCE_COLOUR, THEME, Curve, Style, curve_styles
from rnnbench.report.sections.guessing import draw_guesses

Floats = NDArray[np.float64]
Panel = tuple[str, str, list[str]]  # a task, its title, and the variants that are drawn
NOTES = ("line: mean over seeds", "band: 95 % interval of the mean")


def draw_against_gap(
    results: pd.DataFrame, summary: pd.DataFrame, measure: str, guesses: pd.DataFrame | None = None
) -> Figure:
    """Draw a measure in [0, 1] against the gap.

    Args:
        results: labelled, one row per run.
        summary: one row per curve and gap.
        measure: "accuracy" or "score"; values outside [0, 1] are drawn at its ends.
        guesses: the latest of each search, if random networks are drawn.
    """
    styles = curve_styles(_looks(curves_of(results)))
    rows = _rows(results)
    columns = max(map(len, rows))
    with mpl.rc_context(THEME):
        figure, panels = panel_grid(len(rows), columns, 3.6, 2.9)
        drawn: list[tuple[str, Axes]] = []
        for place, row in enumerate(rows):
            own = panels[place * columns : (place + 1) * columns]
            for panel in own[len(row) :]:
                panel.remove()
            for panel, (task, title, chosen) in zip(own, row, strict=False):
                panel.set_title(plain(title))
                runs, points = (frame[frame.task == task] for frame in (results, summary))
                _draw_task(panel, runs, points, chosen, measure, styles)
                drawn.append((task, panel))
        notes = [*NOTES, seed_note("open mark", results)]
        if guesses is not None and not guesses.empty:
            notes.append(draw_guesses(drawn, guesses, measure))
        add_legend(figure, styles, notes)
        if "smoke" in set(results["sweep"]):
            stamp(figure.axes, "smoke")
    return figure


def _looks(curves: Sequence[Curve]) -> list[Curve]:
    """Return the curves that need a look: tuned ones stand apart and have that of their like."""
    return list(dict.fromkeys((cell, without_rate(variant)) for cell, variant in curves))


def _rows(results: pd.DataFrame) -> list[list[Panel]]:
    """Arrange a panel per task in rows of three; curves with tuned rates in rows of their own."""
    variants = results.groupby("task")["variant"].unique().map(list)
    several = any(is_tuned(variant) for found in variants for variant in found)
    rows: list[list[Panel]] = []
    for tuned in (False, True):
        row: list[Panel] = []
        for task, found in variants.items():
            chosen = [variant for variant in found if is_tuned(variant) == tuned]
            kind = f", {'tuned' if tuned else 'shared'} lr" if several else ""
            if chosen:
                row.append((str(task), f"{task}{kind}", chosen))
        rows += [row[start : start + 3] for start in range(0, len(row), 3)]
    return rows


def _draw_task(
    panel: Axes,
    runs: pd.DataFrame,
    points: pd.DataFrame,
    chosen: Sequence[str],
    measure: str,
    styles: dict[Curve, Style],
) -> None:
    """Draw the curves of the chosen variants, on the axis of all gaps of the task."""
    gaps = sorted(runs["gap"].unique())
    room = room_at_a_gap(gaps)
    varies = (runs["least_distance"] < runs["greatest_distance"]).any()
    xlabel = "gap (time steps; distances vary)" if varies else "gap (time steps)"
    panel.set(xlabel=xlabel, ylabel=measure, ylim=(-0.04, 1.04))
    set_gap_ticks(panel, gaps)
    _draw_chance(panel, runs, measure)
    points = points[points["variant"].isin(chosen)]
    curves = list(points.groupby(["cell", "variant"], observed=True, sort=False))
    for place, ((cell, variant), curve) in enumerate(curves):
        style = styles[str(cell), without_rate(str(variant))]
        own = runs[(runs.cell == cell) & (runs.variant == variant)]
        own = own.groupby("gap").head(MOST_SEEDS)
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
    seeds, places = np.unique(runs["seed"].to_numpy(), return_inverse=True)
    spread: Floats = (places + 0.5) / seeds.size - 0.5
    return spread


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


def _spread(place: int, count: int) -> float:
    """Return a position in [-0.5, 0.5], even over `count` places."""
    return (place + 0.5) / count - 0.5


def _isolated(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the known points without a known neighbour, between which no band can be drawn."""
    padded = np.pad(known, 1)
    return known & ~padded[:-2] & ~padded[2:]


# From white, which is remembering nothing, to a blue on which a black frame is still seen; in
# grey print it goes from light to dark as well.
COLOURS = LinearSegmentedColormap.from_list(
    "score", mpl.colormaps["Blues"](np.linspace(0, 0.78, 256))
)
DARK = 0.7  # from this score on numbers are white
MOST_ACROSS = 4  # panels; a task with more curves takes several rows
CELL_INCHES, ROOM_INCHES = 0.36, 0.72


def draw_transfer(means: pd.DataFrame) -> Figure:
    """Draw the mean score: training gap in rows, test gap in columns, a number in every cell.

    Args:
        means: one row per curve, training gap and test gap; scores outside [0, 1] have the colours
            of its ends.
    """
    curves = means[CURVE[1:]].drop_duplicates().sort_values(CURVE[1:])
    tasks = sorted(means["task"].unique())
    lines = math.ceil(len(curves) / MOST_ACROSS)
    columns, rows = math.ceil(len(curves) / lines), lines * len(tasks)
    across = max(means["test_gap"].nunique(), 4) * CELL_INCHES + ROOM_INCHES
    down = max(means["gap"].nunique(), 2) * CELL_INCHES + ROOM_INCHES
    with mpl.rc_context(THEME | {"axes.grid": False}):
        size = (max(4.6, columns * across), rows * down + 0.2)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).reshape(len(tasks), -1)
        for panels, task in zip(grid, tasks, strict=True):
            own = means[means["task"] == task]
            for panel, curve in zip_longest(panels, curves.itertuples(index=False)):
                if curve is None:
                    panel.remove()
                else:
                    points = own[(own["cell"] == curve.cell) & (own["variant"] == curve.variant)]
                    _draw_panel(panel, points)
    return figure


def _draw_panel(panel: Axes, points: pd.DataFrame) -> None:
    """Draw one curve's matrix, or take the panel away where there is none."""
    if points.empty:
        panel.remove()
        return
    table = points.pivot_table(index="gap", columns="test_gap", values="score")
    values = table.to_numpy(dtype=float)
    panel.imshow(values, cmap=COLOURS, vmin=0, vmax=1, aspect="equal", label="_scores")
    title = plain(f"{points['task'].iloc[0]}: {points['label'].iloc[0]}")
    panel.set_title(title, fontsize="small")
    panel.set(xlabel="test gap", ylabel="training gap")
    panel.set_xticks(range(table.shape[1]), [f"{gap}" for gap in table.columns])
    panel.set_yticks(range(table.shape[0]), [f"{gap}" for gap in table.index])
    panel.tick_params(length=0)
    panel.set_facecolor("0.94")  # where nothing was measured
    panel.spines[:].set_color("0.7")
    for (row, column), score in np.ndenumerate(values):
        colour = "white" if score > DARK else "0.15"
        number = panel.text(column, row, _number(score), ha="center", va="center")
        number.set(color=colour, fontsize="x-small")
        if table.index[row] == table.columns[column]:
            corner = (column - 0.46, row - 0.46)
            frame = Rectangle(corner, 0.92, 0.92, fill=False, lw=1.4, edgecolor="black")
            frame.set_label("_own gap")
            panel.add_patch(frame)


def _number(score: float) -> str:
    if np.isnan(score):
        return ""
    if score < -1:
        return "< −1"
    return f"{score:.2f}".replace("-0.00", "0.00").replace("-", "−")
