"""Which learning rates were chosen, and how sure that choice is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from rnnbench.report.document import Block, Heading, Paragraph, Table

HOW = (
    "Every cell tried the same rates on the same {seeds} tuning seeds at every gap, with the same "
    "number of steps: {rates}. A rate left the grid after a third of the steps where its best seed "
    "was by 0.1 in score behind the worst seed of the best rate. Chosen was the rate with the "
    "highest mean score on the evaluation stream; of rates within 0.01 of it, the one that solved "
    "soonest. Tuning seeds are in no result."
)
MARKS = (
    "*: at the edge of the grid; a better rate may lie beyond. (none): no rate had a mean score "
    "above 0.05, and the untuned default was taken."
)


def tuning_blocks(tuning: pd.DataFrame) -> Iterator[Block]:
    """Yield the section on tuned rates; nothing where none was tuned.

    Args:
        tuning: as `rnnbench.results.load_tuning` gives it.
    """
    if tuning.empty:
        return
    yield Heading("Tuned learning rates")
    rates = ", ".join(f"{rate:g}" for rate in sorted(tuning["lr"].unique()))
    yield Paragraph(HOW.format(seeds="three", rates=rates))
    yield chosen_rates(tuning)
    yield Paragraph(MARKS)


def chosen_rates(tuning: pd.DataFrame) -> Table:
    """Return the chosen rates: a row per task and cell, a column per gap.

    Where one task, cell and gap was tuned in several settings, all their rates are told.
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


def _rate(row: Any) -> str:
    if not row.learned:
        return "(none)"
    mark = "*" if row.at_edge else ""
    return f"{row.chosen_lr:g}{mark}"
