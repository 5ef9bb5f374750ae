"""Tuned learning rates: what they change, which were chosen, and how sure that choice is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Table
from rnnbench.report.rates import compare_rates, order_changes, rate_table
from rnnbench.report.study import Study

AGAINST = (
    "The same cells with one learning rate for all, and with a rate that was tuned for each cell "
    "at each gap, over the gaps that all of these have. Horizons have their intervals; the last "
    "column tells how often the tuned rate has the higher score on the same seed, hence the same "
    "data, at the same gap, a tie counting half."
)
HOW = (
    "Every cell tried the same rates on the same three tuning seeds at every gap, with the same "
    "number of steps: {rates}. A rate left the grid after a third of the steps where its best seed "
    "was by 0.1 in score behind the worst seed of the best rate. Chosen was the rate with the "
    "highest mean score on the evaluation stream; of rates within 0.01 of it, the one that solved "
    "soonest. Tuning seeds are in no result."
)
MARKS = (
    "*: at the edge of the grid; a better rate may lie beyond. (none): no rate had a mean score "
    "above 0.05, and the untuned default was taken."
)
EDGE = "At the edge of the grid, where a better rate may lie beyond it:"


def tuning_section(study: Study) -> Iterator[Block]:
    """Yield the sections on tuned rates; nothing where none was tuned."""
    pairs = compare_rates(study.results)
    if not pairs.empty:
        yield Heading("Tuned against shared learning rate")
        yield Paragraph(AGAINST)
        yield rate_table(pairs)
        yield Bullets(tuple(order_changes(pairs)))
    if study.tuning.empty:
        return
    yield Heading("Tuned learning rates")
    rates = ", ".join(f"{rate:g}" for rate in sorted(study.tuning["lr"].unique()))
    yield Paragraph(HOW.format(rates=rates))
    yield chosen_rates(study.tuning)
    yield Paragraph(MARKS)
    at_edge = edge_warnings(study.tuning)
    if at_edge:
        yield Paragraph(EDGE)
        yield Bullets(tuple(at_edge))


def chosen_rates(tuning: pd.DataFrame) -> Table:
    """Return the chosen rates: a row per task and cell, a column per gap.

    Where one task, cell and gap was tuned in several settings, all their rates are told.

    Args:
        tuning: as `rnnbench.results.load_tuning` gives it.
    """
    conditions = tuning.drop_duplicates("condition_id")
    gaps = sorted(conditions["gap"].unique())
    rows = []
    for (task, cell), own in conditions.groupby(["task", "cell"]):
        texts = [
            ", ".join(_rate(row) for row in own[own["gap"] == gap].itertuples()) for gap in gaps
        ]
        rows.append((str(task), str(cell), *texts))
    return Table(("task", "cell", *(f"gap {gap}" for gap in gaps)), tuple(rows), names=2)


def edge_warnings(tuning: pd.DataFrame) -> list[str]:
    """Name the tasks, cells and gaps whose rate was chosen at an end of the grid, and which end."""
    lowest = tuning.groupby("condition_id")["lr"].transform("min")
    ends = (tuning["chosen_lr"] == lowest).map({True: "lowest", False: "highest"})
    conditions = tuning.assign(end=ends).drop_duplicates("condition_id")
    conditions = conditions[conditions["at_edge"].astype(bool)]
    lines = []
    for (task, cell, rate, end), own in conditions.groupby(["task", "cell", "chosen_lr", "end"]):
        gaps = ", ".join(str(gap) for gap in sorted(own["gap"].unique()))
        lines.append(f"{task}, {cell}: {rate:g}, the {end} rate, at gap {gaps}.")
    return lines


def _rate(row: Any) -> str:
    if not row.learned:
        return "(none)"
    mark = "*" if row.at_edge else ""
    return f"{row.chosen_lr:g}{mark}"
