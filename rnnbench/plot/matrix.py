"""Draw how trained networks do at other gaps: a matrix per task and curve, shared beside tuned."""

from __future__ import annotations

from typing import Unpack

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from rnnbench.plot import frame
from rnnbench.plot.curves import CURVE, Curve, is_tuned
from rnnbench.plot.frame import Canvas, Drawn
from rnnbench.plot.looks import WIDTHS
from rnnbench.plot.measured import transfer_runs
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.selection import Selection, plain, shortened

# From white, which is remembering nothing, to a blue on which a black frame is still seen; in
# grey print it goes from light to dark as well.
COLOURS = LinearSegmentedColormap.from_list(
    "score", mpl.colormaps["Blues"](np.linspace(0, 0.78, 256))
)
DARK = 0.7  # from this score on numbers are white
ACROSS = {"column": 3, "text": 6, "slides": 6, "phone": 1}
Panel = tuple[str, Curve]


@themed
def transfer(runs: pd.DataFrame, measured: pd.DataFrame, **options: Unpack[Options]) -> Drawn:
    """Draw mean scores at other gaps than that of training, which is framed.

    Training gaps stand in rows, test gaps in columns; right of a frame gaps are longer. The number
    in a cell is left out where it has no room.

    Args:
        runs: of `rnnbench.load_results`.
        measured: of `rnnbench.load_transfer`.

    Raises:
        ValueError: no run was tested at other gaps.
    """
    chosen, where = begin(runs, options)
    means = transfer_means(_of_runs(chosen.runs, measured))
    rows = _rows(chosen, means, where.size)
    most = max(means["gap"].nunique(), 2), max(means["test_gap"].nunique(), 2)
    height = _height(where.size, max(map(len, rows)), most[0] / most[1])
    canvas = frame.make_canvas(rows, height, where, around=0.55)
    room = min(canvas.width / most[1], canvas.height / most[0]) * 72 / canvas.letters
    for number, row in enumerate(rows):
        for place, key in enumerate(row):
            if key is not None:
                panel = canvas.panels[key]
                _draw_panel(canvas, panel, _of_curve(means, key), numbers=room > 2.2)
                name_panel(canvas, panel, chosen, key)
                if canvas.is_named_below(rows, number, place):
                    panel.tick_params(labelbottom=False)
                if canvas.is_own and any(row[:place]):
                    panel.tick_params(labelleft=False)
    _name_axes(canvas)
    return canvas.drawn


def transfer_means(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the mean score over seeds: one row per curve, training gap and test gap."""
    points = [*CURVE, "label", "gap", "test_gap"]
    return runs.groupby(points, observed=True)["score"].mean().reset_index()


def _of_runs(runs: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return what was measured of labelled runs; a frame that was joined keeps these alone."""
    found = measured if "label" in measured else transfer_runs(runs, measured)
    own = found[found["run_id"].isin(runs["run_id"])]
    if own.empty:
        raise ValueError("measured must be of the runs, got none of these")
    return own


def _of_curve(means: pd.DataFrame, key: Panel) -> pd.DataFrame:
    task, (cell, variant) = key
    own = means[means["task"] == task]
    return own[(own["cell"] == cell) & (own["variant"] == variant)]


def _rows(chosen: Selection, means: pd.DataFrame, size: str) -> list[list[Panel | None]]:
    """Return the panels: tasks down, curves across, given rates left of tuned ones, if they fit."""
    there = set(zip(means["task"], means["cell"], means["variant"].astype(str), strict=True))
    own = [each for each in chosen.curves if any((t, *each) in there for t in chosen.tasks)]
    own.sort(key=lambda each: is_tuned(each[1]))
    shared = [each for each in own if not is_tuned(each[1])]
    across = ACROSS[size]
    if len(own) > across and len(shared) <= across and len(own) - len(shared) <= across:
        blocks = [part for part in (shared, own[len(shared) :]) if part]
    else:
        blocks = frame.split(own, across)
    rows: list[list[Panel | None]] = [
        [(task, each) if (task, *each) in there else None for each in block]
        for block in blocks
        for task in chosen.tasks
    ]
    full = [row for row in rows if any(row)]
    return frame.pack(full, across) if len(own) == 1 else full


def _height(size: str, columns: int, ratio: float) -> float:
    """Return the height of a row of matrices, whose cells are square."""
    letters = float(mpl.rcParams["font.size"]) / 72
    if size == "phone":  # the gaps stand below each matrix
        return min(1.6 * ratio, 3.0) + 5 * letters
    width = (WIDTHS[size] - 1.2) / max(columns, 2) - letters
    return min(width * ratio, 3.0) + 2.6 * letters


def _draw_panel(canvas: Canvas, panel: Axes, points: pd.DataFrame, numbers: bool) -> None:
    """Draw one curve's matrix."""
    table = points.pivot_table(index="gap", columns="test_gap", values="score")
    values = table.to_numpy(dtype=float)
    panel.imshow(values, cmap=COLOURS, vmin=0, vmax=1, aspect="equal", label="_scores")
    panel.set_xticks(range(table.shape[1]), [f"{gap}" for gap in table.columns])
    panel.set_yticks(range(table.shape[0]), [f"{gap}" for gap in table.index])
    panel.tick_params(length=0)
    panel.tick_params(axis="x", rotation=90 if canvas.width / table.shape[1] < 0.24 else 0)
    panel.grid(visible=False)
    panel.set_facecolor("0.94")  # where nothing was measured
    panel.spines[:].set(color="0.7", visible=True)
    for (row, column), score in np.ndenumerate(values):
        if numbers and not np.isnan(score):
            colour = "white" if score > DARK else "0.15"
            number = panel.text(column, row, _number(score), ha="center", va="center_baseline")
            number.set(color=colour, fontsize=canvas.letters)
        if table.index[row] == table.columns[column]:
            corner = (column - 0.46, row - 0.46)
            own = Rectangle(corner, 0.92, 0.92, fill=False, lw=1.1, edgecolor="black")
            own.set_label("_own gap")
            panel.add_patch(own)


def name_panel(canvas: Canvas, panel: Axes, chosen: Selection, key: Panel) -> None:
    """Write the task and the curve above a panel, on lines of their own where they are long."""
    task, each = key
    curve = f"{chosen.name(each)}{', tuned' if is_tuned(each[1]) else ''}"
    lines = [plain(shortened(text, canvas.longest)) for text in (task, curve)]
    panel.set_title("\n".join(lines), fontsize=canvas.letters)


def _name_axes(canvas: Canvas) -> None:
    """Name the axes once for all panels, and what the colours say."""
    panels = list(canvas.panels.values())
    if not canvas.is_own:
        panels[0].set(xlabel="test gap", ylabel="training gap")
        return
    size = mpl.rcParams["axes.labelsize"]
    canvas.figure.supxlabel("test gap (time steps)", fontsize=size)
    canvas.figure.supylabel("training gap (time steps)", fontsize=size)
    draw_bar(canvas, panels[0].images[0])


def draw_bar(canvas: Canvas, colours: ScalarMappable) -> None:
    """Say once, beside all panels, which colour is which mean score."""
    panels = list(canvas.panels.values())
    bar = canvas.figure.colorbar(colours, ax=panels, aspect=30, fraction=0.03, pad=0.02)
    bar.set_label("mean score")
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1])
    bar.outline.set(linewidth=0.5, edgecolor="0.7")


def _number(score: float) -> str:
    """Return a score in three signs at most: .88, or 1."""
    text = f"{score:.2f}"
    return "1" if text == "1.00" else "0" if text == "0.00" else text.removeprefix("0")
