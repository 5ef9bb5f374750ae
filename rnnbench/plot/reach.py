"""Draw how far back each cell remembers: a row per curve, a panel per task, the gap across."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rnnbench.plot import frame, naming
from rnnbench.plot.curves import Curve, is_tuned, without_rate
from rnnbench.plot.frame import Canvas, Drawn
from rnnbench.plot.looks import REFERENCE_COLOUR, TALLEST, WIDTHS, known
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.selection import Selection, plain, shortened
from rnnbench.plot.summary import scores_by_gap
from rnnbench.statistics import HORIZON, Horizon, HorizonRange, horizon_range

INTERVALS = ("bootstrap", None)
ZONE = 1.6  # factor from the outer gaps to the ends of the axis, in grey
IN_ZONE = 1.28  # and to the arrows in it
ACROSS = {"column": 1, "text": 3, "slides": 3, "phone": 1}
ROW = 0.19  # inches, of letters of 8 points, with one kind of rates
APART = 0.2  # of a row: given rates lie above its middle, tuned ones below
LONGEST_NAME = 24  # letters
NARROWEST, WITH_NUMBER = 0.7, 1.0  # inches of a panel, and of one with numbers beside it
RANKED = "The farthest mean horizon first. In colour: rnn, lstm, gru and the best others."
ARROWS = {">": ">", "<": "<"}


@themed
def horizons(
    runs: pd.DataFrame,
    *,
    level: float = HORIZON,
    interval: str | None = "bootstrap",
    **options: Unpack[Options],
) -> Drawn:
    """Draw the horizon of every cell: the gap at which its mean score falls below a level.

    A hollow mark is of a rate that all cells share, a filled one of tuned rates; the bar is the
    interval. An arrow in the grey zone lies beyond the gaps that were run. The number is written
    at the right of its row, where it has room. Of many cells the best come first, and tasks stand
    beside each other.

    Args:
        runs: of `rnnbench.load_results`.
        level: of the mean score.
        interval: "bootstrap" (the Bayesian one of `horizon_range`) or None.
    """
    known("interval", interval, INTERVALS)
    chosen, where = begin(runs, options)
    across, height = _arrange(chosen, where.size)
    rows = frame.split(chosen.tasks, across)
    canvas = frame.make_canvas(rows, height, where, around=0.75)
    # Numbers need half of a letter more than its height, or they would touch.
    numbers = canvas.height * 72 / _lines(chosen) >= canvas.letters * 1.05
    numbers &= canvas.width >= WITH_NUMBER
    for place, (task, panel) in enumerate(canvas.panels.items()):
        gaps = sorted(chosen.of(task)["gap"].unique())
        _draw_task(canvas, panel, chosen, gaps)
        curves = {each: chosen.of(task, each) for each in chosen.curves}
        for each, own in ((each, own) for each, own in curves.items() if len(own)):
            found = horizon_range(scores_by_gap(own), level)
            found = found if interval else found._replace(low=None, high=None)
            is_filled = own["lr_choice"].iloc[0] == "tuned"
            _draw_reach(canvas, panel, chosen, each, found, is_filled, numbers)
        panel.set_title(plain(shortened(task, canvas.longest)))
        if place % across and canvas.is_own:
            panel.tick_params(labelleft=False)
    is_ranked = chosen.are_many and not (options.get("order") or options.get("cells"))
    note = RANKED if is_ranked else ""
    xlabel = f"horizon: gap (time steps) where the mean score falls below {level:g}"
    _say(canvas, chosen, xlabel, note)
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


def _lines(chosen: Selection) -> int:
    """Return how many marks lie one below the other."""
    return len(chosen.bases) * len(chosen.kinds)


def _arrange(chosen: Selection, size: str) -> tuple[int, float]:
    """Return how many panels stand side by side, and the height of each in inches.

    In a column they stand one below the other, unless all of them would not fit on a page. Many
    rows are named once: on a page as many tasks stand beside each other as have room.
    """
    letters = float(mpl.rcParams["font.size"])
    per_row = ROW * letters / 8 * (1.35 if len(chosen.kinds) > 1 else 1)
    height = len(chosen.bases) * per_row + 5.5 * letters / 72
    tasks = len(chosen.tasks)
    narrow = WIDTHS[size] < 4 or chosen.are_many
    most = max(1, int((WIDTHS[size] - 0.8) / (NARROWEST if narrow else 1.2)))
    across = min(ACROSS[size], tasks)
    if chosen.are_many and size != "phone":
        across = math.ceil(tasks / math.ceil(tasks / most))
    while across < tasks and np.ceil(tasks / across) * height > TALLEST[size] - 0.75:
        across += 1
    return min(across, most), height


def _draw_task(canvas: Canvas, panel: Axes, chosen: Selection, gaps: Sequence[float]) -> None:
    """Prepare a panel: the gaps across, a row per curve, grey beyond the gaps that were run."""
    frame.set_gap_ticks(panel, gaps, canvas.width, ZONE)
    low, high = panel.get_xlim()
    for ends in ((low, gaps[0]), (gaps[-1], high)):
        panel.axvspan(*ends, color="0.91", lw=0, zorder=0, label="_beyond")
    names = [plain(shortened(chosen.name(base), LONGEST_NAME)) for base in chosen.bases]
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="y", visible=chosen.are_many)  # to follow a row over the panels


def _draw_reach(
    canvas: Canvas,
    panel: Axes,
    chosen: Selection,
    each: Curve,
    found: HorizonRange,
    is_filled: bool,
    numbers: bool,
) -> None:
    """Draw one horizon, its interval, and its number at the right of the panel.

    Args:
        is_filled: its rate was tuned, whether or not there are others beside it.
    """
    cell, variant = each
    tuned, style = is_tuned(variant), chosen.styles[each]
    aside = 0.0 if len(chosen.kinds) == 1 else APART if tuned else -APART
    y = chosen.bases.index((cell, without_rate(variant))) + aside
    size = float(mpl.rcParams["font.size"])
    width = size / (9 if chosen.are_many else 5)
    text = f"{chosen.name(each)}{', tuned' if tuned else ''}"
    if found.low is not None and found.high is not None:
        ends = np.clip([drawn_at(found.low, ZONE), drawn_at(found.high, ZONE)], *panel.get_xlim())
        panel.plot(ends, [y, y], color=style.colour, lw=width, label=f"_interval {text}")
    marker = ARROWS.get(found.horizon.bound, "o")
    look: Any = {"color": style.colour, "ms": size * 0.62, "mew": size / 7, "ls": "none"}
    face = style.colour if is_filled else "white"
    x = drawn_at(found.horizon, IN_ZONE)
    panel.plot([x], [y], marker=marker, mfc=face, **look, label=f"_horizon {text}", zorder=4)
    if numbers:
        number = panel.annotate(_number(found.horizon), (1, y), (3, 0), *_beside(panel))
        number.set(va="center_baseline", fontsize=canvas.letters, color=style.colour)


def _beside(panel: Axes) -> tuple[Any, str]:
    """Return where a number stands: at the right of a panel, at the height of its row."""
    return panel.get_yaxis_transform(), "offset points"


def drawn_at(end: Horizon, beyond: float) -> float:
    """Return where a horizon is drawn: a factor beyond the outer gap if it lies beyond it."""
    return end.gap * {"": 1.0, ">": beyond, "<": 1 / beyond}[end.bound]


def _number(found: Horizon) -> str:
    return f"{found.bound} {found.gap:g}" if found.bound else f"{found.gap:.0f}"


def _say(canvas: Canvas, chosen: Selection, xlabel: str, note: str) -> None:
    """Name the axis once for all panels, and the marks above them."""
    if canvas.is_own:
        canvas.figure.supxlabel(xlabel, fontsize=mpl.rcParams["axes.labelsize"])
    else:
        next(iter(canvas.panels.values())).set_xlabel(xlabel)
    grey: dict[str, Any] = {"color": REFERENCE_COLOUR, "ms": 5, "mew": 1.1}
    kinds = {False: ("white", "one rate for all"), True: (REFERENCE_COLOUR, "tuned rate")}
    entries = [
        (Line2D([], [], **grey, marker="o", mfc=kinds[kind][0]), kinds[kind][1])
        for kind in (chosen.kinds if len(chosen.kinds) > 1 else [])
    ]
    if chosen.are_many:
        entries.append((Line2D([], [], color=REFERENCE_COLOUR, lw=0.9), "95 % interval"))
    if any(line.get_marker() in ARROWS for panel in canvas.panels.values() for line in panel.lines):
        arrow = Line2D([], [], **grey, ls="none", marker=">")
        entries.append((arrow, "beyond the gaps run"))
    naming.add_legend(canvas, entries, above=True, note=note)
