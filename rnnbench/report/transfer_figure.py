"""Training gap against test gap as matrices: a panel per task and curve, task by task."""

from __future__ import annotations

import math
from itertools import zip_longest

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rnnbench.report.figure import plain
from rnnbench.report.style import THEME
from rnnbench.report.variants import CURVE

# From white, which is remembering nothing, to a blue on which a black frame is still seen; in
# grey print it goes from light to dark as well.
COLOURS = LinearSegmentedColormap.from_list(
    "score", mpl.colormaps["Blues"](np.linspace(0, 0.78, 256))
)
DARK = 0.7  # from this score on numbers are white
MOST_ACROSS = 4  # panels; a task with more curves takes several rows
CELL_INCHES, ROOM_INCHES = 0.36, 0.72


def draw_transfer(means: pd.DataFrame) -> Figure:
    """Draw the mean score: training gap in rows, test gap in columns, a number in every cell.

    Args:
        means: as `rnnbench.report.transfer.transfer_means` gives them; scores outside [0, 1] have
            the colours of its ends.
    """
    curves = means[CURVE[1:]].drop_duplicates().sort_values(CURVE[1:])
    tasks = sorted(means["task"].unique())
    lines = math.ceil(len(curves) / MOST_ACROSS)
    columns, rows = math.ceil(len(curves) / lines), lines * len(tasks)
    across = max(means["test_gap"].nunique(), 4) * CELL_INCHES + ROOM_INCHES
    down = max(means["gap"].nunique(), 2) * CELL_INCHES + ROOM_INCHES
    with mpl.rc_context(THEME | {"axes.grid": False}):
        size = (max(4.6, columns * across), rows * down + 0.2)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).reshape(len(tasks), -1)
        for panels, task in zip(grid, tasks, strict=True):
            own = means[means["task"] == task]
            for panel, curve in zip_longest(panels, curves.itertuples(index=False)):
                if curve is None:
                    panel.remove()
                else:
                    points = own[(own["cell"] == curve.cell) & (own["variant"] == curve.variant)]
                    _draw_panel(panel, points)
    return figure


def _draw_panel(panel: Axes, points: pd.DataFrame) -> None:
    """Draw one curve's matrix, or take the panel away where there is none."""
    if points.empty:
        panel.remove()
        return
    table = points.pivot_table(index="gap", columns="test_gap", values="score")
    values = table.to_numpy(dtype=float)
    panel.imshow(values, cmap=COLOURS, vmin=0, vmax=1, aspect="equal", label="_scores")
    title = plain(f"{points['task'].iloc[0]}: {points['label'].iloc[0]}")
    panel.set_title(title, fontsize="small")
    panel.set(xlabel="test gap", ylabel="training gap")
    panel.set_xticks(range(table.shape[1]), [f"{gap}" for gap in table.columns])
    panel.set_yticks(range(table.shape[0]), [f"{gap}" for gap in table.index])
    panel.tick_params(length=0)
    panel.set_facecolor("0.94")  # where nothing was measured
    panel.spines[:].set_color("0.7")
    for (row, column), score in np.ndenumerate(values):
        colour = "white" if score > DARK else "0.15"
        number = panel.text(column, row, _number(score), ha="center", va="center")
        number.set(color=colour, fontsize="x-small")
        if table.index[row] == table.columns[column]:
            corner = (column - 0.46, row - 0.46)
            frame = Rectangle(corner, 0.92, 0.92, fill=False, lw=1.4, edgecolor="black")
            frame.set_label("_own gap")
            panel.add_patch(frame)


def _number(score: float) -> str:
    if np.isnan(score):
        return ""
    if score < -1:
        return "< −1"
    return f"{score:.2f}".replace("-0.00", "0.00").replace("-", "−")
