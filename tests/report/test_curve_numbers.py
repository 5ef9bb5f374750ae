"""The file of curves: the promised columns, and horizons beyond what was measured as numbers."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnbench.report.study import read_study
from rnnbench.report.write import TABLES
from rnnbench.statistics import areas, horizon_range, mean_interval

PROMISED = [
    "task",
    "cell",
    "variant",
    "horizon",
    "horizon_low",
    "horizon_high",
    "d90",
    "auc",
    "success_rate",
    "num_parameters",
    "state_size",
]


def rows_of(
    fabricate: Callable[..., Any], stored: Callable[..., Path], **cells: dict[int, list[float]]
) -> dict[str, Any]:
    """Write the file of the scores of cells by gap; return its rows by cell."""
    records = [
        fabricate(cell=cell, gap=gap, seed=seed, score=score)
        | {"status": "solved" if score == 1 else "unsolved"}
        for cell, by_gap in cells.items()
        for gap, scores in by_gap.items()
        for seed, score in enumerate(scores)
    ]
    frame = pd.read_csv(io.StringIO(TABLES["summary.csv"](read_study([stored(records)]))))
    assert list(frame.columns[: len(PROMISED)]) == PROMISED
    return {row.cell: row for row in frame.itertuples()}


def test_a_row_has_what_statistics_give(
    fabricate: Callable[..., Any], stored: Callable[..., Path]
) -> None:
    scores = {10: [1.0] * 5, 20: [1.0, 1.0, 1.0, 1.0, 0.2], 40: [0.0, 0.0, 0.1, 1.0, 0.0]}
    (row,) = rows_of(fabricate, stored, gru=scores).values()
    found = horizon_range(scores)
    assert found.low is not None and found.high is not None
    gaps = [row.horizon, row.horizon_low, row.horizon_high]
    assert gaps == pytest.approx([found.horizon.gap, found.low.gap, found.high.gap])
    assert row.d90 == pytest.approx(horizon_range(scores, 0.9).horizon.gap)
    assert math.isnan(row.d90_low) and math.isnan(row.d90_high)  # five seeds cannot show it
    assert (row.auc, row.auc_low, row.auc_high) == pytest.approx(mean_interval(areas(scores)))
    assert (row.runs, row.solved, row.success_rate) == (15, 10, pytest.approx(10 / 15))
    assert (row.hidden_size, row.state_size, row.num_parameters) == (64, 64, 15176)
    assert row.sequences_per_second == pytest.approx(16000)


def test_beyond_the_measured_gaps_is_the_last_of_them_with_a_bound(
    fabricate: Callable[..., Any], stored: Callable[..., Path]
) -> None:
    rows = rows_of(
        fabricate,
        stored,
        gru={10: [1.0] * 5, 20: [1.0] * 5},
        rnn={10: [0.0] * 5, 20: [0.0] * 5},
        lstm={10: [1.0] * 5, 20: [1.0, 1.0, 1.0, 0.0, 0.0]},
    )
    assert (rows["gru"].horizon, rows["gru"].horizon_bound) == (20, ">")
    assert (rows["rnn"].horizon, rows["rnn"].horizon_bound) == (10, "<")
    assert pd.isna(rows["lstm"].horizon_bound)  # written empty: inside what was measured
    assert (rows["lstm"].horizon_high, rows["lstm"].horizon_high_bound) == (20, ">")


def test_what_is_not_known_is_empty(
    fabricate: Callable[..., Any], stored: Callable[..., Path]
) -> None:
    (row,) = rows_of(fabricate, stored, gru={10: [1.0, 0.0]}).values()
    assert row.horizon == 10
    unknown = ("variant", "horizon_low", "horizon_high", "d90_low", "d90_high", "auc", "auc_low")
    assert all(pd.isna(getattr(row, name)) for name in unknown)
