"""Compare starts of the gate that keeps the old state: how far does each reach?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from rnnbench.plot.starts import CHRONO, drawn_tasks, keep_bias_horizons
from rnnbench.report.document import Block, Bullets, Heading
from rnnbench.report.drawings import KEEP_BIAS
from rnnbench.report.study import Study


def keep_bias_section(study: Study) -> Iterator[Block]:
    """Yield horizons against keep bias; nothing where no cell was run with several."""
    starts = keep_bias_horizons(study.results)
    if not starts.empty:
        yield Heading("Horizon against keep bias")
        if drawn_tasks(starts)[0]:
            yield KEEP_BIAS
        yield Bullets(tuple(rankings(starts)))


def rankings(table: pd.DataFrame) -> list[str]:
    """Say in words, for every pair of cells, whether their order turns over with the start.

    A cell is ahead where its whole interval lies beyond the other's.
    """
    lines = []
    for task, points in table.groupby("task"):
        by_start = points.set_index(["start", "cell"])["horizon"].unstack()
        for pair in combinations(points["cell"].drop_duplicates().sort_values(), 2):
            ahead: dict[str, list[str]] = {cell: [] for cell in pair}
            for start, row in by_start[[*pair]].dropna().iterrows():
                for cell, other in (pair, pair[::-1]):
                    if row[cell].beyond(row[other]):
                        ahead[cell].append(start if start == CHRONO else f"{start:g}")
            lines.append(f"{task}: {_sentence(ahead)}")
    return lines


def _sentence(ahead: dict[str, list[str]]) -> str:
    first, second = ahead
    parts = " and ".join(f"{cell} at {', '.join(at)}" for cell, at in ahead.items() if at)
    if ahead[first] and ahead[second]:
        return f"which cell remembers farther turns over with the keep bias, {parts}."
    if not parts:
        return f"at no keep bias do the intervals of {first} and {second} part."
    return f"{parts} remembers farther; nowhere is it the other way round."
