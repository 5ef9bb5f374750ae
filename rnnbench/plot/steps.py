"""Arrange panels over the step of training: a row per task, a panel per gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from rnnbench.plot import frame, naming
from rnnbench.plot.curves import Curve, have_tuned, is_tuned
from rnnbench.plot.frame import Canvas, Place
from rnnbench.plot.selection import KINDS, Selection, plain, shortened

Panel = tuple[str, bool, int]  # a task, whether rates are tuned, and a gap
MOST_GAPS = {"column": 3, "text": 5, "slides": 5, "phone": 3}  # of a task, that have a panel
ACROSS = {**MOST_GAPS, "phone": 1}
HEIGHTS = {"column": 1.2, "text": 1.35, "slides": 2.2, "phone": 1.5}  # of a row, in inches


def panel_rows(
    chosen: Selection, size: str, gaps: Sequence[int] | None = None, *, solved_alone: bool = False
) -> list[list[Panel]]:
    """Return the panels: a row per task with a panel per gap, tuned rates after given ones.

    Args:
        gaps: that have a panel, if they are told.
        solved_alone: leave out the panels in which no run solves its task.

    Raises:
        ValueError: no run has a gap that is told.
    """
    runs = chosen.runs
    if gaps is not None and not runs["gap"].isin(gaps).any():
        raise ValueError(f"gaps must be of the runs, got {list(gaps)} where there are none")
    most, across = MOST_GAPS[size] if gaps is None else len(gaps), ACROSS[size]
    rows: list[list[Panel]] = []
    for kind in chosen.kinds:
        of_kind: list[list[Panel]] = []
        for task in chosen.tasks:
            own = runs[(runs["task"] == task) & (have_tuned(runs) == kind)]
            some = set(own["gap"]) if gaps is None else set(own["gap"]) & set(gaps)
            if solved_alone:
                some &= set(own.loc[own["status"] == "solved", "gap"])
            row = [(task, kind, gap) for gap in frame.few_gaps(some, most)]
            of_kind += frame.split(row, across)
        rows += frame.pack(of_kind, across)
    return rows


def step_canvas(rows: Any, chosen: Selection, where: Place) -> Canvas:
    """Return the panels, with their titles and the axis of steps."""
    beside = naming.room_beside(list(chosen.looks))
    canvas = frame.make_canvas(rows, HEIGHTS[where.size], where, beside=beside, around=0.9)
    for (task, _, _), panel in canvas.panels.items():
        panel.set_xlim(0, max(1, chosen.of(task)["steps"].max()))
        few = max(2, int(canvas.width / 0.45))
        panel.xaxis.set_major_locator(MaxNLocator(few, steps=[1, 2, 5, 10], integer=True))
    return canvas


def name_panels(canvas: Canvas, rows: Any, chosen: Selection, ylabel: str) -> None:
    """Name the axes at the outer panels alone."""
    for number, row in enumerate(rows):
        for place, (task, kind, gap) in enumerate(row):
            panel = canvas.panels[task, kind, gap]
            is_first = place == 0 or row[place - 1][0] != task
            name = plain(shortened(task, canvas.longest - len(f", gap {gap}") + 4))
            panel.set_title(f"{name}, gap {gap}" if is_first else f"gap {gap}")
            if not canvas.is_named_below(rows, number, place):
                panel.set_xlabel("step")
            if place == 0 or not canvas.is_own:
                several = len(chosen.kinds) > 1
                panel.set_ylabel(f"{KINDS[kind]}\n{ylabel}" if several else ylabel)
            elif not is_first:
                panel.tick_params(labelleft=False)


def curves_at(
    chosen: Selection, runs: pd.DataFrame, kind: bool
) -> list[tuple[Curve, pd.DataFrame]]:
    """Return the curves of one kind of rates among runs, in their order."""
    found = runs.groupby(["cell", "variant"], observed=True)
    curves = [((str(cell), str(variant)), own) for (cell, variant), own in found]
    return [(each, own) for each, own in curves if is_tuned(each[1]) == kind]


def said_of_gaps(chosen: Selection, rows: Any, size: str, gaps: Sequence[int] | None) -> str:
    """Say how many gaps have panels, if not all do."""
    if gaps is not None:
        return ""
    most = chosen.runs.groupby("task")["gap"].nunique().max()
    shown = len({gap for row in rows for _, _, gap in row})
    return f"Panels: {shown} of {most} gaps." if most > MOST_GAPS[size] else ""
