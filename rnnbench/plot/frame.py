"""Make what all figures share: panels of a printed size, levels, the axis of gaps."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from rnnbench.plot.curves import CURVE
from rnnbench.plot.files import figure_of
from rnnbench.plot.looks import REFERENCE_COLOUR, TALLEST, WIDTHS, Size

Key = TypeVar("Key", bound=Hashable)
Drawn = Axes | NDArray[np.object_]
MOST_SEEDS = 100  # of a curve at a gap are drawn one by one: more would be a smear
LETTER_WIDTH = 0.58  # of a letter's height, on average
LEVEL: Any = {"color": REFERENCE_COLOUR, "linestyle": ":", "lw": 0.9, "zorder": 1}


class Place(NamedTuple):
    """Where panels are drawn: at which size, and in Axes or a figure, if any are given."""

    size: Size = "text"
    ax: Axes | None = None
    figure: Figure | None = None


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
    def longest(self) -> int:
        """Return how many small letters a panel is wide, 8 at least."""
        return max(8, int(self.width * 72 / (self.letters * LETTER_WIDTH)))

    @property
    def figure(self) -> Figure:
        """Return the figure of the panels."""
        return figure_of(next(iter(self.panels.values())))

    def is_named_below(self, rows: Sequence[Sequence[Any]], number: int, place: int) -> bool:
        """Return whether a panel below one names its axis: on a phone it would be out of sight."""
        below = (row[place] for row in rows[number + 1 :] if len(row) > place)
        return self.is_own and self.size != "phone" and any(below)

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
    where: Place,
    *,
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
    size, ax, figure = where
    keys = [key for row in rows for key in row if key is not None]
    if ax is not None:
        if len(keys) > 1:
            raise ValueError(
                f"ax must be left out for several panels, here {len(keys)}; "
                "tasks=, cells=, rates= and gaps= choose among them"
            )
        room = ax.get_window_extent().transformed(figure_of(ax).dpi_scale_trans.inverted())
        return Canvas({keys[0]: ax}, False, size, room.height, room.width)
    columns, width = max(map(len, rows)), WIDTHS[size]
    height = min(height, (TALLEST[size] - around) / len(rows))
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


def draw_level(panel: Axes, value: float, text: str, **look: Any) -> None:
    """Draw a line across a panel at a known value; `_text` is its label."""
    panel.axhline(value, **(LEVEL | look), label=f"_{text}")


def stamp(canvas: Canvas, sweeps: pd.Series[str]) -> None:
    """Write "smoke" across the panels if that was run, lest a trial be taken for a result."""
    for panel in canvas.panels.values() if "smoke" in sweeps.unique() else []:
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


def split(keys: Sequence[Key], across: int) -> list[list[Key]]:
    """Return rows of up to so many panels."""
    return [list(keys[at : at + across]) for at in range(0, len(keys), across)]


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
