"""Make what all figures share: panels of a printed size, names, levels, legends, gap axes."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from rnnbench.plot.curves import CURVE
from rnnbench.plot.files import figure_of
from rnnbench.plot.looks import REFERENCE_COLOUR, TALLEST, WIDTHS, settings
from rnnbench.plot.selection import Selection, shortened
from rnnbench.store.settings import curve_label

Key = TypeVar("Key", bound=Hashable)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Drawn = Axes | NDArray[np.object_]
Levels = Mapping[Any, Iterable[tuple[str, float]]]
MOST_SEEDS = 100  # of a curve at a gap are drawn one by one: more would be a smear
MOST_BESIDE = 8  # names at the ends of lines; more have a legend
LONGEST_BESIDE = 16  # letters of a name at the end of a line
ENTRY = 4.0  # of a letter's height: a legend's line, and the room around it
LEGEND_LINES = 2  # that figures have room for as they are made
LETTER_WIDTH = 0.58  # of a letter's height, on average
LINE_HEIGHT = 1.15  # of a letter's height
LEVEL: Any = {"color": REFERENCE_COLOUR, "linestyle": ":", "lw": 0.9, "zorder": 1}


def themed(draw: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Draw with the package's settings for the `size` that a function is asked for."""

    @functools.wraps(draw)
    def draw_themed(*args: Arguments.args, **options: Arguments.kwargs) -> Result:
        with mpl.rc_context(settings(str(options.get("size", "text")))):
            return draw(*args, **options)

    return draw_themed


class Canvas(NamedTuple):
    """The panels of a figure, and what they may take of it.

    Attributes:
        panels: by their keys, row by row.
        is_own: whether the figure is this package's, or its user's.
        size: that it is drawn for.
        height: of a panel without title and axis, in inches, as far as it is known before.
        width: of a panel, in inches, likewise.
    """

    panels: dict[Any, Axes]
    is_own: bool
    size: str
    height: float
    width: float

    @property
    def letters(self) -> float:
        """Return the height of small letters, in points."""
        return float(mpl.rcParams["legend.fontsize"])

    @property
    def figure(self) -> Figure:
        """Return the figure of the panels."""
        return figure_of(next(iter(self.panels.values())))

    @property
    def drawn(self) -> Drawn:
        """Return what a function that draws returns: its Axes, or an array of several."""
        found = list(self.panels.values())
        if len(found) == 1:
            return found[0]
        array = np.empty(len(found), dtype=object)
        array[:] = found
        return array


def make_canvas(
    rows: Sequence[Sequence[Key | None]],
    height: float,
    *,
    size: str,
    ax: Axes | None = None,
    figure: Figure | None = None,
    beside: float = 0.0,
    around: float = 0.75,
) -> Canvas:
    """Return rows of panels, in a new figure of pyplot unless Axes or a figure are given.

    Args:
        rows: the keys of panels, None where there is none.
        height: of a row, in inches; less where the figure would be taller than a page.
        beside: inches that names take at the right of a row.
        around: inches that a legend and the name of the axes take below and above the panels.

    Raises:
        ValueError: Axes are given for more panels than one.
    """
    keys = [key for row in rows for key in row if key is not None]
    if ax is not None:
        if len(keys) > 1:
            raise ValueError(
                f"ax must be left out for several panels, here {len(keys)}; "
                "tasks=, cells= and rates= choose among them"
            )
        room = ax.get_window_extent().transformed(figure_of(ax).dpi_scale_trans.inverted())
        return Canvas({keys[0]: ax}, False, size, room.height, room.width)
    columns, width = max(map(len, rows)), WIDTHS[size]
    height = min(height, (TALLEST - around) / len(rows))
    figure = _new_figure(figure, width, len(rows) * height + around)
    panels = {
        key: figure.add_subplot(len(rows), columns, place * columns + column + 1)
        for place, row in enumerate(rows)
        for column, key in enumerate(row)
        if key is not None
    }
    letters = float(mpl.rcParams["font.size"]) / 72
    inner = (width - beside - 5 * letters) / columns - 1.5 * letters
    return Canvas(panels, True, size, height - 3 * letters, inner)


def _new_figure(figure: Figure | None, width: float, height: float) -> Figure:
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure()
    figure.set_size_inches(width, height)
    figure.set_layout_engine("constrained")
    return figure


def add_legend(
    canvas: Canvas, entries: Sequence[tuple[Any, str]], place: str = "lower", note: str = ""
) -> None:
    """Put a legend beside the panels of a figure of one's own, or into Axes that were given.

    Args:
        note: what stands above it.
    """
    if not entries:
        return
    handles, texts = zip(*entries, strict=True)
    if not canvas.is_own:
        next(iter(canvas.panels.values())).legend(handles, texts, loc="best")
        return
    width = canvas.figure.get_figwidth()
    room = int((width - 0.5) * 72 / (canvas.letters * LETTER_WIDTH))
    texts = tuple(textwrap.fill(text, room) for text in texts)
    columns = legend_columns(texts, width * 72 / canvas.letters)
    lines = math.ceil(len(texts) / columns) * max(len(text.splitlines()) for text in texts)
    _grow(canvas.figure, (lines - LEGEND_LINES) * canvas.letters * 1.4 / 72)
    loc: Any = f"outside {place} center"
    legend = canvas.figure.legend(handles, texts, loc=loc, ncols=columns)
    legend.set_title(textwrap.fill(note, room, break_long_words=False))
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


def _grow(figure: Figure, inches: float) -> None:
    """Make a figure taller for a long legend, up to a page."""
    height = figure.get_figheight()
    figure.set_figheight(max(height, min(height + inches, TALLEST)))


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
    names = {curve_label(*curve): chosen.name(curve) for curve in chosen.curves}
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
    return [(Line2D([], [], **look), name) for name, look in drawn.items()] if crowded else []


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
        text = panel.annotate(name, (1, y), (3, 0), "axes fraction", "offset points")
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


def draw_level(panel: Axes, value: float, text: str, **look: Any) -> None:
    """Draw a line across a panel at a known value; `_text` is its label."""
    panel.axhline(value, **(LEVEL | look), label=f"_{text}")


def stamp(canvas: Canvas, sweeps: Iterable[str]) -> None:
    """Write "smoke" across the panels if that was run, lest a trial be taken for a result."""
    for panel in canvas.panels.values() if "smoke" in set(sweeps) else []:
        text = panel.text(0.5, 0.5, "smoke", transform=panel.transAxes, ha="center", va="center")
        text.set(rotation=25, fontsize=26, fontweight="bold", color="0.5", alpha=0.3, zorder=5)


def seed_note(mark: str, results: pd.DataFrame) -> str:
    """Say in a legend what a mark stands for: one seed, of which at most MOST_SEEDS are drawn."""
    counts = results.groupby([*CURVE, "gap"], observed=True).size()
    return f"{mark}{f' (the first {MOST_SEEDS})' if counts.max() > MOST_SEEDS else ''}"


def set_gap_ticks(
    panel: Axes, gaps: Sequence[float], width: float, margin: float | None = None
) -> None:
    """Put a tick at every gap on a logarithmic axis, with a number where there is room.

    Args:
        width: of the panel, in inches.
        margin: factor between the outer gaps and the ends of the axis.
    """
    panel.set_xscale("log")
    margin = margin or (1.25 if len(gaps) > 1 else 2)
    low, high = gaps[0] / margin, gaps[-1] * margin
    panel.set_xlim(low, high)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_locator(FixedLocator(gaps))
    inch = width / math.log(high / low)
    labels, last = [], -math.inf
    for gap in gaps:
        text = f"{gap:g}"
        half = 0.5 * len(text) * LETTER_WIDTH * float(mpl.rcParams["xtick.labelsize"]) / 72
        place = inch * math.log(gap / low)
        shown = place - half >= last
        labels.append(text if shown else "")
        last = place + half + 0.04 if shown else last
    panel.set_xticks(gaps, labels)


def pack(rows: Iterable[Sequence[Key]], across: int) -> list[list[Key]]:
    """Return rows of panels, with short ones beside each other where they have room."""
    packed: list[list[Key]] = []
    for row in rows:
        if packed and len(packed[-1]) + len(row) <= across:
            packed[-1].extend(row)
        else:
            packed.append(list(row))
    return packed


def few_gaps(gaps: Iterable[int], most: int) -> list[int]:
    """Return up to so many of different gaps, as even in log gap as they come, ends included."""
    ordered = np.unique(np.fromiter(gaps, dtype=np.int64))
    if ordered.size <= most:
        return [int(gap) for gap in ordered]
    wanted = np.geomspace(ordered[0], ordered[-1], most)
    nearest = np.abs(np.log(ordered)[:, None] - np.log(wanted)).argmin(0)
    return [int(gap) for gap in ordered[np.unique(nearest)]]


def below(rows: Sequence[Sequence[Key]], number: int, place: int) -> list[Key]:
    """Return the keys of the panels below one, which name the axis for it."""
    return [row[place] for row in rows[number + 1 :] if len(row) > place]
