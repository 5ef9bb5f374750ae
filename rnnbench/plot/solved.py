"""Draw the share of runs that have solved their task by a step: a row per task, a panel per gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rnnbench.plot import frame, naming
from rnnbench.plot.curves import Curve
from rnnbench.plot.frame import Drawn
from rnnbench.plot.looks import REFERENCE_COLOUR, Style, known
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.selection import Selection, plain
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
    interval: str | None = "wilson",
    gaps: Sequence[int] | None = None,
    **options: Unpack[Options],
) -> Drawn:
    """Draw which share of the runs has solved its task after so many steps.

    Runs that are not solved, diverged and failed ones included, stay in the count to the end.
    Panels in which no run solves its task are left out, and named.

    Args:
        runs: of `rnnbench.load_results`.
        interval: of the share, "wilson" or None; of more than eight curves there is none.
        gaps: that have a panel; else up to five of each task (three in a column).

    Raises:
        ValueError: no run solves its task.
    """
    known("interval", interval, INTERVALS)
    chosen, where = begin(runs, options)
    if len(chosen.bases) > MOST_BANDS:
        interval = None
    rows = panel_rows(chosen, where.size, gaps, solved_alone=True)
    if not rows:
        raise ValueError("runs must have one that solves its task, got none at these gaps")
    canvas = step_canvas(rows, chosen, where)
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
    notes = [said_of_gaps(chosen, rows, where.size, gaps), _unsolved(chosen)]
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
    look: Any = {"drawstyle": "steps-post", "lw": width, "zorder": 3} | style.line
    panel.plot(steps, solved + aside, **look, label=label)
    if interval:
        band = panel.fill_between(steps, low, high, step="post", label=f"_interval {label}")
        band.set(color=style.colour, alpha=0.13, linewidth=0)
