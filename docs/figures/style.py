"""Set the looks of the guide's figures: the report's colours, letters legible at 700 pixels."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.looks import PALETTE, SHIPPED, THEME

WIDTH = 7.0  # inches
GREY, INK = "0.45", "0.15"
LOOK: dict[str, Any] = THEME | {"font.size": 10, "axes.labelsize": 10, "axes.titlesize": 11}
LOOK |= {"xtick.labelsize": 9, "ytick.labelsize": 9, "legend.fontsize": 9}
COLOURS = {cell: PALETTE[place] for cell, place in SHIPPED.items()}


def new_figure(height: float, columns: int, **options: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of the guide's width and its panels side by side."""
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="white")
        panels = figure.subplots(1, columns, squeeze=False, **options)[0]
        for panel in panels:
            panel.spines[["top", "right"]].set_visible(False)
    return figure, list(panels)


def drawing(height: float, right: float, top: float) -> tuple[Figure, Axes]:
    """Return a figure without axes for a drawing in coordinates from 0."""
    figure, (panel,) = new_figure(height, 1)
    panel.set_axis_off()
    panel.set(xlim=(0, right), ylim=(0, top), aspect="equal")
    return figure, panel
