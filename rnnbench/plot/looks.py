"""Give figures their sizes and letters, and curves a colour, a marker and a dash for grey print."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import seaborn as sns

from rnnbench.plot import SETTINGS
from rnnbench.plot.curves import SHIPPED, Curve, without_rate

Size = Literal["column", "text", "slides", "phone"]
WIDTHS: Mapping[str, float] = {"column": 3.3, "text": 6.75, "slides": 10.0, "phone": 3.3}  # inches
# Inches: what is left of a page beside its caption; a phone is scrolled.
TALLEST = {"column": 9.0, "text": 9.0, "slides": 9.0, "phone": math.inf}
LETTERS = {"column": 7.0, "text": 8.0, "slides": 12.0, "phone": 7.0}  # points
STYLES = {"paper": "text", "slides": "slides"}
# Dark, middle and light for the shipped cells, which grey print keeps apart; without yellow and
# pale pink, which vanish on white; grey last, for it marks levels too.
PALETTE = [(0.0, 0.29, 0.52), (0.74, 0.37, 0.0), (0.27, 0.75, 0.56)]
PALETTE += [sns.color_palette("colorblind")[place] for place in (3, 4, 5, 9, 7)]
# Of the best of many cells, beside rnn, lstm and gru: far from their colours, and no grey.
BEST = PALETTE[4:7]
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
SOLID: tuple[float, ...] = ()
# As many as have no common divisor with the markers, so that 60 pairs differ; no dots among
# them, which mark chance and plateaus.
DASHES = (SOLID, (5, 1.5), (7, 1.5, 1.5, 1.5), (2.5, 1.2), (9, 1.5, 1.5, 1.5, 1.5, 1.5))
REFERENCE_COLOUR = "0.35"

THEME: Any = {
    **SETTINGS,
    **sns.axes_style("ticks"),
    "svg.hashsalt": "rnnbench",  # otherwise every file has random ids
    "pdf.fonttype": 42,  # journals refuse Type 3
    "font.family": "DejaVu Sans",
    "axes.grid": True,
    "grid.color": "0.92",
    "grid.linewidth": 0.5,
    "axes.edgecolor": "0.4",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titley": 1.0,  # nothing is above a panel; to look for it takes a tenth of the time
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.4,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
}
Colour = tuple[float, float, float]
Palette = Mapping[str, Any] | Sequence[Any] | None


def settings(size: str = "text") -> Any:
    """Return matplotlib's settings for figures of a size, whatever the user's are.

    Raises:
        ValueError: there is no such size.
    """
    letters = LETTERS[known("size", size, LETTERS)]
    # Of text beside the panels, ticks and notes among it, none is less than 7 points in print.
    small = max(7.0, letters - 1)
    ticks = {f"{axis}tick.{key}": value for axis in "xy" for key, value in _ticks(small).items()}
    large = dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), letters)
    return {**THEME, **ticks, **large, "legend.fontsize": small, "lines.linewidth": letters / 6}


def _ticks(letters: float) -> dict[str, Any]:
    sizes = {"major.size": 2.5, "major.width": 0.7, "minor.size": 1.5, "minor.width": 0.5}
    return {**sizes, "major.pad": 2.5, "labelsize": letters, "color": "0.4", "labelcolor": "black"}


def style(name: str = "paper") -> Any:
    """Return matplotlib's settings of these figures, for figures of one's own beside them.

    `matplotlib.rcParams.update(rnnbench.plot.style("slides"))`, or `rc_context` of it. What this
    package draws has them anyhow.

    Args:
        name: "paper", with letters of 7 to 8 points, or "slides", of 11 to 12.

    Raises:
        ValueError: there is no such style.
    """
    return settings(STYLES[known("name", name, STYLES)])


def known(argument: str, value: Any, names: Iterable[Any]) -> Any:
    """Return a value that is among those known.

    Raises:
        ValueError: it is not.
    """
    allowed = list(names)
    if value not in allowed:
        raise ValueError(f"{argument} must be one of {', '.join(map(str, allowed))}, got {value!r}")
    return value


class Style(NamedTuple):
    """The look of one curve; of many, most are grey and behind the others."""

    colour: Colour
    marker: str
    dashes: tuple[float, ...]
    is_behind: bool = False

    @property
    def line(self) -> dict[str, Any]:
        """Return the look of its line, as matplotlib takes it."""
        thin = {"lw": 0.6, "alpha": 0.7, "zorder": 1.5} if self.is_behind else {}
        return {"color": self.colour, "linestyle": (0.0, self.dashes), **thin}

    @property
    def marked(self) -> dict[str, Any]:
        """Return the look of its line with markers."""
        return {**self.line, "marker": self.marker, "markeredgecolor": "white"}


def curve_styles(curves: Iterable[Curve], palette: Palette = None) -> dict[Curve, Style]:
    """Return the style of each curve (cell, variant).

    A cell has the same colour whatever it is shown with, save where two cells of other authors
    fall on one colour; a cell's variants are shades of it, and a curve with tuned rates has the
    look of the same curve with given ones.

    Args:
        palette: colours of cells by name, or one after the other; else the package's own.
    """
    curves = list(curves)
    looks = list(dict.fromkeys((cell, without_rate(variant)) for cell, variant in curves))
    cells = list(dict.fromkeys(cell for cell, _ in looks))
    slots = _slots(sorted(cells))
    colours = _colours(slots, cells, palette)
    free = (slot for slot in count(len(SHIPPED)) if slot not in slots.values())
    styles = {}
    for cell, slot in slots.items():
        variants = [curve for curve in looks if curve[0] == cell]
        shades = _shades(colours[cell], len(variants))
        for place, (curve, shade) in enumerate(zip(variants, shades, strict=True)):
            number = slot if place == 0 else next(free)
            marker, dashes = MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)]
            styles[curve] = Style(shade, marker, dashes)
    return {(cell, variant): styles[cell, without_rate(variant)] for cell, variant in curves}


BEHIND = Style((0.55, 0.55, 0.55), "o", SOLID, is_behind=True)  # on white its marks are seen


def _colours(slots: Mapping[str, int], cells: Sequence[str], palette: Palette) -> dict[str, Colour]:
    """Return the colour of each cell: by the palette given, else by its slot."""
    own = {cell: PALETTE[slot % len(PALETTE)] for cell, slot in slots.items()}
    if palette is None:
        return own
    if isinstance(palette, str):
        palette = sns.color_palette(palette, len(cells))
    if not isinstance(palette, Mapping):
        if len(palette) < len(cells):
            raise ValueError(
                f"palette must have a colour for each of {len(cells)} cells, got {len(palette)}"
            )
        palette = dict(zip(cells, palette, strict=False))
    return own | {cell: mpl.colors.to_rgb(palette[cell]) for cell in cells if cell in palette}


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
