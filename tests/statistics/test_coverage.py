"""Each interval holds the truth about as often as it says; the stored table is that of the code."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from rnnbench.statistics import coverage

STORED = Path(__file__).resolve().parents[2] / "docs" / "coverage.csv"
KEYS = ["statistic", "outcomes", "seeds"]


def check(table: pd.DataFrame, slack: float) -> None:
    found = table.set_index(KEYS)["coverage"]
    wilson = found.xs("success or not", level="outcomes")
    assert wilson.between(0.93, 0.97).all()
    assert (found.xs(("normal", 10), level=("outcomes", "seeds")) >= 0.9 - slack).all()
    assert len(found) == 3 + 6 * 2 * 3


def test_the_stored_table_keeps_its_promises() -> None:
    check(pd.read_csv(STORED), slack=0)


def test_a_few_repetitions_agree_with_the_stored_table() -> None:
    few = coverage.simulate(60).set_index(KEYS)["coverage"]
    stored = pd.read_csv(STORED).set_index(KEYS)["coverage"]
    difference = (few - stored).abs()
    # Four standard errors of 60 repetitions at the coverage that is stored.
    bound = 4 * (stored * (1 - stored) / 60).clip(lower=0.01 / 60) ** 0.5 + 0.02
    assert (difference <= bound).all()


@pytest.mark.long
def test_the_stored_table_is_that_of_the_code() -> None:
    table = coverage.simulate()
    check(table, slack=0)
    pd.testing.assert_frame_equal(table.round(4), pd.read_csv(STORED))
