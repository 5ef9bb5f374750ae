"""Give curves their looks: a colour per cell, a marker and a dash per curve for grey print."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any, NamedTuple

import matplotlib as mpl
import seaborn as sns

from rnnbench.report.figures import SETTINGS

# Without yellow and pale pink, which vanish on white; grey last, for it marks levels too.
PALETTE = [sns.color_palette("colorblind")[place] for place in (0, 1, 2, 3, 4, 5, 9, 7)]
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
SOLID: tuple[float, ...] = ()
# As many as have no common divisor with the markers, so that 60 pairs differ; no dots among
# them, which mark chance and plateaus.
DASHES = (SOLID, (5, 1.5), (7, 1.5, 1.5, 1.5), (2.5, 1.2), (9, 1.5, 1.5, 1.5, 1.5, 1.5))
SHIPPED = {"rnn": 0, "lstm": 1, "gru": 2}
REFERENCE_COLOUR = "0.35"

THEME: Any = {
    **SETTINGS,
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    "svg.hashsalt": "rnnbench",  # otherwise every file has random ids
    "pdf.fonttype": 42,  # journals refuse Type 3
    "font.family": "DejaVu Sans",
    "axes.grid": True,
    "grid.color": "0.92",
    "grid.linewidth": 0.6,
    "axes.edgecolor": "0.4",
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # nothing is above a panel; to look for it takes a tenth of the time
    "legend.frameon": False,
}
themed = mpl.rc_context(THEME)  # decorates what draws

Colour = tuple[float, float, float]
Curve = tuple[str, str]


class Style(NamedTuple):
    """The look of one curve."""

    colour: Colour
    marker: str
    dashes: tuple[float, ...]

    @property
    def line(self) -> dict[str, Any]:
        """Return the look of its line, as matplotlib takes it."""
        return {"color": self.colour, "linestyle": (0.0, self.dashes)}

    @property
    def marked(self) -> dict[str, Any]:
        """Return the look of its line with markers."""
        return {**self.line, "marker": self.marker, "markeredgecolor": "white"}


def curve_styles(curves: Iterable[Curve]) -> dict[Curve, Style]:
    """Return the style of each curve (cell, variant).

    A cell has the same colour whatever it is shown with, save where two cells of other authors
    fall on one colour; a cell's variants are shades of it.
    """
    curves = list(curves)
    slots = _slots(sorted({cell for cell, _ in curves}))
    free = (slot for slot in count(len(SHIPPED)) if slot not in slots.values())
    styles = {}
    for cell, slot in slots.items():
        variants = [curve for curve in curves if curve[0] == cell]
        shades = _shades(PALETTE[slot % len(PALETTE)], len(variants))
        for place, (curve, shade) in enumerate(zip(variants, shades, strict=True)):
            number = slot if place == 0 else next(free)
            marker, dashes = MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)]
            styles[curve] = Style(shade, marker, dashes)
    return {curve: styles[curve] for curve in curves}


def _slots(cells: Sequence[str]) -> dict[str, int]:
    """Give each cell a place in the palette: the shipped ones theirs, others by their name."""
    slots = {cell: SHIPPED[cell] for cell in cells if cell in SHIPPED}
    places = range(len(SHIPPED), len(PALETTE))
    for cell in cells:
        start = zlib.crc32(cell.encode()) % len(places)
        wanted = chain(places[start:], places[:start], count(len(PALETTE)))
        taken = set(slots.values())
        slots.setdefault(cell, next(place for place in wanted if place not in taken))
    return slots


def _shades(colour: Colour, number: int) -> list[Colour]:
    """Return as many shades, from dark to light; the colour itself where it is the only one."""
    if number == 1:
        return [colour]
    dark, light = sns.blend_palette(["black", colour, "white"], n_colors=9)[3:6:2]
    return list(sns.blend_palette([dark, colour, light], n_colors=number))
