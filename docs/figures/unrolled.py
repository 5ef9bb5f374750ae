"""Draw a recurrent network unrolled in time, with the gap between a cue and its answer."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.style import COLOURS, GREY, INK, drawing
from rnnbench.plot.looks import PALETTE

NAMES = ("0", "1", "2", "t-1", "t")
PLACES = (1.0, 3.0, 5.0, 8.4, 10.4)
ROW, INPUTS, LOSS = 3.0, 1.4, 4.75
BACK = PALETTE[3]


def draw_unrolled() -> Figure:
    """Draw states in a row: forwards in ink, the gradient backwards in colour."""
    figure, panel = drawing(3.3, 11.6, 5.5)
    for name, x in zip(NAMES, PLACES, strict=True):
        _box(panel, x, ROW, f"$h_{{{name}}}$")
        panel.text(x, INPUTS - 0.35, f"$x_{{{name}}}$", ha="center", va="center", fontsize=12)
        _arrow(panel, (x, INPUTS), (x, ROW - 0.5), INK)
        panel.text(x + 0.1, INPUTS + 0.5, "W", color=GREY, fontsize=9)
    for left, right in zip(PLACES, PLACES[1:], strict=False):
        _arrow(panel, (left + 0.5, ROW - 0.15), (right - 0.5, ROW - 0.15), INK)
        _arrow(panel, (right - 0.5, ROW + 0.2), (left + 0.5, ROW + 0.2), BACK)
        panel.text((left + right) / 2, ROW - 0.6, "U", ha="center", color=GREY, fontsize=9)
    panel.text(6.7, INPUTS - 0.35, "...", ha="center", fontsize=14)
    _arrow(panel, (PLACES[-1], ROW + 0.5), (PLACES[-1], LOSS), INK)
    panel.text(PLACES[-1], LOSS + 0.1, "answer, loss L", ha="center", va="bottom", fontsize=10)
    text = "the gradient of L goes back through every U"
    panel.text(5.7, ROW + 0.85, text, ha="center", color=BACK, fontsize=10)
    panel.text(PLACES[0], 0.4, "the cue", ha="center", color=COLOURS["rnn"], fontsize=10)
    panel.annotate(
        "",
        (PLACES[0], 0.15),
        (PLACES[-1], 0.15),
        arrowprops={"arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0},
    )
    panel.text(5.7, 0.25, "gap = t time steps", ha="center", va="bottom", fontsize=10)
    return figure


def _box(panel: Axes, x: float, y: float, text: str) -> None:
    shape = {"boxstyle": "round,pad=0.45", "fc": "0.95", "ec": INK}
    panel.text(x, y, text, ha="center", va="center", fontsize=12, bbox=shape)


def _arrow(
    panel: Axes, start: tuple[float, float], end: tuple[float, float], colour: object
) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
    panel.annotate("", end, start, arrowprops=style)
