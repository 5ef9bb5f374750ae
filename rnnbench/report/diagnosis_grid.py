"""The frame of a diagnosis' figures: a row of panels for each task, one for each curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from rnnbench.report.figure import panel_grid, plain
from rnnbench.report.style import REFERENCE_COLOUR

MOST_COLUMNS = 4
Panels = dict[tuple[str, str], Axes]


def curve_grid(pairs: Sequence[tuple[str, str]], width: float = 2.9) -> tuple[Figure, Panels]:
    """Return a figure with a titled panel for each (task, label), tasks on rows of their own.

    Args:
        pairs: of task and label.
        width: of a panel, in inches.
    """
    by_task: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        by_task.setdefault(pair[0], []).append(pair)
    most = max(map(len, by_task.values()))
    columns = math.ceil(most / math.ceil(most / MOST_COLUMNS))
    rows = sum(math.ceil(len(own) / columns) for own in by_task.values())
    figure, places = panel_grid(rows, columns, width, 2.3)
    panels: Panels = {}
    start = 0
    for own in by_task.values():
        taken = math.ceil(len(own) / columns) * columns
        here = places[start : start + taken]
        panels |= dict(zip(own, here, strict=False))
        for spare in here[len(own) :]:
            spare.remove()
        start += taken
    for (task, label), panel in panels.items():
        panel.set_title(plain(f"{task}, {label}"), fontsize="medium")
    return figure, panels


def set_time_axis(panel: Axes, gaps: Sequence[int], most: int) -> None:
    """Draw time steps from 0 up to `most`, log from 1 on, with a tick at each gap."""
    panel.set_xscale("symlog", linthresh=1, linscale=0.3)
    panel.set_xticks([0, 1, *gaps], ["0", "1", *(f"{gap:g}" for gap in gaps)])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlim(-0.15, most * 1.25)


def name_lines(figure: Figure, *extra: tuple[Line2D | Patch, str]) -> None:
    """Put one legend for all panels below them: what is dashed, thick, thin, and what else."""
    handles = [
        (Line2D([], [], color=REFERENCE_COLOUR, ls="--", lw=1.4), "before training, seeds' median"),
        (Line2D([], [], color=REFERENCE_COLOUR, lw=2), "after, seeds' median"),
        *extra,
    ]
    figure.legend(
        [handle for handle, _ in handles],
        [text for _, text in handles],
        loc="outside lower center",
        ncols=2 if figure.get_figwidth() < 7 else len(handles),
        fontsize="small",
    )
