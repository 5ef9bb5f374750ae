"""Draw LSTM's cell state as a conveyor belt, and the gates that guard it."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.style import GREY, INK, drawing
from rnnbench.plot.looks import PALETTE

BELT, FEED, OUT = 3.2, 1.75, 1.0
FORGET, INPUT, OUTPUT = 2.9, 5.2, 9.0
Point = tuple[float, float]


def draw_belt() -> Figure:
    """Draw one time step: the belt on top, gates where they act."""
    figure, panel = drawing(3.0, 11.6, 5.0)
    _arrow(panel, (1.3, BELT), (10.5, BELT), INK, lw=5)
    panel.text(1.1, BELT, "$c_{t-1}$", ha="right", va="center", fontsize=13)
    panel.text(10.65, BELT, "$c_t$", ha="left", va="center", fontsize=13)
    panel.text(7.3, BELT + 0.25, "the belt: no matrix, no tanh on the way", ha="center", color=GREY)
    _gate(panel, FORGET, BELT, "$\\times$", "forget gate $f$", "keeps", PALETTE[0], above=True)
    _knot(panel, INPUT, BELT, "+", INK)
    _arrow(panel, (INPUT, FEED + 0.33), (INPUT, BELT - 0.35), INK)
    _gate(panel, INPUT, FEED, "$\\times$", "input gate $i$", "lets in", PALETTE[1], above=False)
    _arrow(panel, (INPUT, 0.55), (INPUT, FEED - 0.33), INK)
    panel.text(INPUT, 0.45, "new value $g$", ha="center", va="top", fontsize=10)
    _arrow(panel, (OUTPUT, BELT), (OUTPUT, FEED + 0.33), INK)
    panel.text(OUTPUT + 0.12, (BELT + FEED) / 2 + 0.1, "tanh", color=GREY, fontsize=9)
    _gate(panel, OUTPUT, FEED, "$\\times$", "output gate $o$", "shows", PALETTE[2], above=False)
    _arrow(panel, (OUTPUT, FEED - 0.33), (OUTPUT, 0.55), INK)
    panel.text(OUTPUT, 0.45, "$h_t$: to the answer and the next gates", ha="center", va="top")
    return figure


def _gate(
    panel: Axes, x: float, y: float, sign: str, name: str, verb: str, colour: Any, *, above: bool
) -> None:
    """Draw a gate beside the knot where it acts, with an arrow from its name."""
    start = (x, y + 1.05) if above else (x - 0.95, y)
    end = (x, y + 0.33) if above else (x - 0.33, y)
    _arrow(panel, start, end, colour)
    text = f"{name}\n0 to 1: {verb}"
    place: dict[str, Any] = {"ha": "right", "va": "center"}
    where: Point = (x - 1.0, y)
    if above:
        where, place = (x, y + 1.1), {"ha": "center", "va": "bottom"}
    panel.text(*where, text, color=colour, fontsize=10, **place)
    _knot(panel, x, y, sign, colour)


def _knot(panel: Axes, x: float, y: float, sign: str, colour: Any) -> None:
    shape = {"boxstyle": "circle,pad=0.25", "fc": "white", "ec": colour, "lw": 1.6}
    panel.text(x, y, sign, ha="center", va="center", fontsize=11, color=colour, bbox=shape)


def _arrow(panel: Axes, start: Point, end: Point, colour: Any, lw: float = 1.4) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": lw, "shrinkA": 0, "shrinkB": 0}
    panel.annotate("", end, start, arrowprops=style)
