"""Name what is drawn: curves at the ends of their lines, all else in one legend."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from rnnbench.console import count
from rnnbench.plot.frame import LETTER_WIDTH, Canvas
from rnnbench.plot.looks import BEHIND, REFERENCE_COLOUR, TALLEST
from rnnbench.plot.selection import Selection, plain, shortened
from rnnbench.store.settings import curve_label

Levels = Mapping[Any, Iterable[tuple[str, float]]]
MOST_BESIDE = 8  # names at the ends of lines; more have a legend
LONGEST_BESIDE = 16  # letters of a name at the end of a line
ENTRY = 4.0  # of a letter's height: a legend's line, and the room around it
LEGEND_LINES = 2  # that figures have room for as they are made
LINE_HEIGHT = 1.15  # of a letter's height


def add_legend(
    canvas: Canvas, entries: Sequence[tuple[Any, str]], *, above: bool = False, note: str = ""
) -> None:
    """Put a legend below the panels of a figure of one's own, or into Axes that were given.

    Args:
        above: it stands above the panels, as it always does on a phone.
        note: what stands above its entries.
    """
    if not entries:
        return
    handles, texts = zip(*entries, strict=True)
    if not canvas.is_own:
        next(iter(canvas.panels.values())).legend(
            handles, map(plain, texts), loc="best", title=plain(note) or None
        )
        return
    width = canvas.figure.get_figwidth()
    room = int((width - 0.5) * 72 / (canvas.letters * LETTER_WIDTH))
    texts = tuple(plain(textwrap.fill(text, room)) for text in texts)
    columns = legend_columns(texts, width * 72 / canvas.letters)
    lines = math.ceil(len(texts) / columns) * max(len(text.splitlines()) for text in texts)
    _grow(canvas, (lines - LEGEND_LINES) * canvas.letters * 1.4 / 72)
    loc: Any = f"outside {'upper' if above or canvas.size == 'phone' else 'lower'} center"
    legend = canvas.figure.legend(handles, texts, loc=loc, ncols=columns)
    legend.set_title(plain(textwrap.fill(note, room, break_long_words=False)))
    legend.get_title().set(color=REFERENCE_COLOUR, multialignment="center")


def is_crowded(names: Sequence[str], canvas: Canvas) -> bool:
    """Return whether names are too many or too long to stand at the ends of lines."""
    room = canvas.height * 72 / (canvas.letters * LINE_HEIGHT)
    longest = max(map(len, names), default=0)
    return len(names) > min(MOST_BESIDE, room - 1) or longest > LONGEST_BESIDE


def room_beside(names: Sequence[str]) -> float:
    """Return the inches that names at the ends of lines take, 0 where they stand in a legend."""
    longest = max(map(len, names), default=0)
    if len(names) > MOST_BESIDE or longest > LONGEST_BESIDE:
        return 0.0
    return max(longest, 6) * LETTER_WIDTH * float(mpl.rcParams["legend.fontsize"]) / 72


def legend_columns(texts: Sequence[str], width: float) -> int:
    """Return how many columns the entries of a legend have room for.

    Args:
        width: of the figure, in letters' heights.
    """
    widths = [LETTER_WIDTH * max(map(len, text.splitlines())) + ENTRY for text in texts]
    for columns in range(len(texts), 1, -1):
        rows = math.ceil(len(texts) / columns)
        if columns > math.ceil(len(texts) / rows):
            continue  # as many rows would be as long with fewer
        parts = [part for part in np.array_split(np.array(widths), columns) if part.size]
        if sum(float(part.max()) for part in parts) + 1 <= width:
            return columns
    return 1


def _grow(canvas: Canvas, inches: float) -> None:
    """Make a figure taller for a long legend, up to a page."""
    height = canvas.figure.get_figheight()
    canvas.figure.set_figheight(max(height, min(height + inches, TALLEST[canvas.size])))


def name_curves(
    canvas: Canvas,
    rows: Sequence[Sequence[Any]],
    chosen: Selection,
    levels: Levels | None = None,
    *,
    marked: bool = False,
) -> list[tuple[Any, str]]:
    """Name the curves at the ends of their lines, in a row's last panel that has them.

    The lines' labels are those of the curves. Of many curves, or such with long names, the entries
    of a legend are returned.

    Args:
        levels: the names and heights of lines across a panel, to be named as well.
        marked: the curves have marks, which a legend shows.
    """
    looks = chosen.looks
    crowded = is_crowded(list(looks), canvas)
    levels = levels or {}
    told = [curve for curve in chosen.curves if not chosen.styles[curve].is_behind]
    names = {curve_label(*curve): chosen.name(curve) for curve in told}
    columns = max(map(len, rows))
    for row in rows:
        unnamed = {} if crowded else dict(names)
        for key in reversed([key for key in row if key is not None]):
            ends: list[tuple[float, str, Any]] = []
            for line in canvas.panels[key].get_lines():
                name = unnamed.pop(str(line.get_label()), "")
                if name:
                    y = float(np.asarray(line.get_ydata())[-1])
                    ends.append((y, name, line.get_color()))
            ends += [(y, shortened(name), REFERENCE_COLOUR) for name, y in levels.get(key, ())]
            is_inside = len(row) < columns and key == row[-1]
            name_ends(canvas, canvas.panels[key], ends, is_inside)
    marks: Any = {"mfc": "white", "ms": 3, "mew": 0.7}
    drawn = {
        name: {**look.line, **({"marker": look.marker} | marks if marked else {})}
        for name, look in looks.items()
    }
    entries: list[tuple[Any, str]] = [
        (Line2D([], [], **look), name) for name, look in drawn.items() if crowded
    ]
    if chosen.behind:
        others = count(len(chosen.behind), "other")
        entries.append((Line2D([], [], **BEHIND.line), others))
    return entries


def name_ends(
    canvas: Canvas, panel: Axes, ends: Sequence[tuple[float, str, Any]], is_inside: bool = False
) -> None:
    """Write names at the right of a panel, as near to their heights as they have room.

    Args:
        ends: of each name the height of its line, the name and its colour.
        is_inside: there is an empty place at the right: no room has to be made.
    """
    if not ends:
        return
    scale = panel.transScale + panel.transLimits
    right, (low, high) = panel.get_xlim()[1], panel.get_ylim()
    inside = [min(max(y, low), high) for y, _, _ in ends]
    heights = [float(scale.transform((right, y))[1]) for y in inside]
    step = canvas.letters * LINE_HEIGHT / 72 / canvas.height
    for (_, name, colour), y in zip(ends, spread(heights, step), strict=True):
        text = panel.annotate(plain(name), (1, y), (3, 0), "axes fraction", "offset points")
        text.set(color=colour, va="center_baseline", fontsize=canvas.letters)
        text.set_in_layout(not is_inside)


def spread(places: Sequence[float], step: float) -> NDArray[np.float64]:
    """Return places from 0 to 1 moved as little as keeps them a step apart, in the same order."""
    given = np.asarray(places, dtype=float)
    order = np.argsort(given, kind="stable")
    steps = step * np.arange(given.size)
    level = isotonic_regression(given[order] - steps).x
    moved = np.empty_like(given)
    moved[order] = np.clip(level, 0, max(0.0, 1 - steps[-1])) + steps
    return moved
