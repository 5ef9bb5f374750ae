"""Draw what a gate that stands still leaves of a stored value."""

from __future__ import annotations

import math

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from figures.style import GREY, new_figure
from rnnbench.plot.gating import KEEPS

GATES = (0.999, 0.99, 0.9, 0.73, 0.5)


def draw_half_life() -> Figure:
    """Draw f to the power of t, with a dot at its half-life where that lies in the picture."""
    figure, (panel,) = new_figure(2.9, 1)
    time = np.linspace(0, 80, 801)
    shades = sns.light_palette(KEEPS, len(GATES) + 1)[:0:-1]  # the longest is the darkest
    for colour, f in zip(shades, GATES, strict=True):
        half_life = math.log(2) / -math.log(f)
        name = f"gate {f:g}: half-life {half_life:.{0 if half_life > 10 else 1}f}"
        panel.plot(time, f**time, color=colour, lw=2, label=name)
        panel.plot([half_life], [0.5], "o", color=colour, mec="white", ms=7, zorder=5)
    panel.axhline(0.5, color=GREY, lw=1, ls=":")
    panel.set(xlim=(0, 80), ylim=(0, 1.06), xlabel="time steps", ylabel="left of a stored value")
    figure.legend(loc="outside right center", frameon=False)
    return figure
