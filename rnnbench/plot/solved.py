"""Draw the share of runs that have solved their task by a step: a row per task, a panel per gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rnnbench.plot import frame, naming
from rnnbench.plot.curves import Curve
from rnnbench.plot.frame import Drawn, themed
from rnnbench.plot.looks import REFERENCE_COLOUR, Size, Style, known
from rnnbench.plot.selection import Selection, plain, select
from rnnbench.plot.steps import curves_at, name_panels, panel_rows, said_of_gaps, step_canvas
from rnnbench.statistics import solving_curve
from rnnbench.store.settings import curve_label

INTERVALS = ("wilson", None)
OFFSET, FARTHEST = 0.012, 0.06  # of the axis: by so much curves of equal shares lie apart
MOST_BANDS = 8  # curves of a panel; of more, bands would hide each other


@themed
def solving(
    runs: pd.DataFrame,
    *,
    tasks: str | Sequence[str] | None = None,
    cells: str | Sequence[str] | None = None,
    order: Sequence[str] | None = None,
    palette: Any = None,
    labels: Mapping[str, str] | None = None,
    rates: str = "both",
    interval: str | None = "wilson",
    gaps: Sequence[int] | None = None,
    size: Size = "text",
    ax: Axes | None = None,
    figure: Figure | None = None,
) -> Drawn:
    """Draw which share of the runs has solved its task after so many steps.

    Runs that are not solved, diverged and failed ones included, stay in the count to the end.
    Panels in which no run solves its task are left out, and named.

    Args:
        runs: of `rnnbench.load_results`. The arguments up to `rates` as in `select`.
        interval: of the share, "wilson" or None; of more than eight curves there is none.
        gaps: that have a panel; else up to five of each task (three in a column).
        size: "column" (3.3 inches wide), "text" (6.75) or "slides" (10).
        ax: to draw in, for a single panel.
        figure: to draw in, in place of a new one of pyplot.

    Returns:
        The Axes, or an array of them where there are several.

    Raises:
        ValueError: no run solves its task, there is nothing of a name that is asked for, or Axes
            are given for several panels.
    """
    known("interval", interval, INTERVALS)
    options: Any = {"order": order, "palette": palette, "labels": labels, "rates": rates}
    chosen = select(runs, tasks=tasks, cells=cells, **options)
    if len(chosen.bases) > MOST_BANDS:
        interval = None
    rows = panel_rows(chosen, size, gaps, solved_alone=True)
    if not rows:
        raise ValueError("runs must have one that solves its task, got none at these gaps")
    canvas = step_canvas(rows, chosen, size, ax, figure)
    for (task, kind, gap), panel in canvas.panels.items():
        own = chosen.of(task)
        curves = curves_at(chosen, own[own["gap"] == gap], kind)
        for place, (each, found) in enumerate(curves):
            aside = min(OFFSET, FARTHEST / len(curves)) * (place - (len(curves) - 1) / 2)
            longest = float(own["steps"].max())
            _draw_share(panel, found, longest, aside, each, chosen.styles[each], interval)
        panel.set_ylim(-0.06, 1.06)
        panel.set_yticks([0, 0.5, 1])
    name_panels(canvas, rows, chosen, "share solved")
    named = naming.name_curves(canvas, rows, chosen)
    entries: list[tuple[Any, str]] = [
        (Line2D([], [], color=REFERENCE_COLOUR), "share of all seeds")
    ]
    if interval:
        entries.append((Patch(color=REFERENCE_COLOUR, alpha=0.15, lw=0), "its 95 % interval"))
    notes = [said_of_gaps(chosen, rows, size, gaps), _unsolved(chosen)]
    naming.add_legend(canvas, [*named, *entries], note=" ".join(filter(None, notes)))
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


def _unsolved(chosen: Selection) -> str:
    """Name the tasks and gaps at which no run solves its task."""
    solved = (chosen.runs["status"] == "solved").groupby([chosen.runs["task"], chosen.runs["gap"]])
    none = solved.any()
    lost = none[~none].reset_index().groupby("task")["gap"]
    said = [f"{plain(str(task))} at gap {', '.join(map(str, own))}" for task, own in lost]
    return f"No run solves {'; '.join(said)}." if said else ""


def _draw_share(
    panel: Axes,
    runs: pd.DataFrame,
    longest: float,
    aside: float,
    each: Curve,
    style: Style,
    interval: str | None,
) -> None:
    """Draw the share of a curve's runs that are solved, moved aside a little from the others."""
    curve = solving_curve(runs["steps_to_solve"])
    steps = np.append(curve.steps, longest)
    solved, low, high = (np.append(part, part[-1]) for part in curve[1:])
    label = curve_label(*each)
    width = float(mpl.rcParams["lines.linewidth"])
    look: Any = {**style.line, "drawstyle": "steps-post", "lw": width, "zorder": 3}
    panel.plot(steps, solved + aside, **look, label=label)
    if interval:
        band = panel.fill_between(steps, low, high, step="post", label=f"_interval {label}")
        band.set(color=style.colour, alpha=0.13, linewidth=0)
