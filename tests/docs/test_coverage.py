"""Each interval holds the truth about as often as it says; the stored table is that of the code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
STORED = DOCS / "coverage.csv"
KEYS = ["statistic", "outcomes", "seeds"]


@pytest.fixture(scope="module")
def coverage() -> Any:
    """The program, as a module."""
    spec = importlib.util.spec_from_file_location("docs_coverage", DOCS / "coverage.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(table: pd.DataFrame, slack: float) -> None:
    found = table.set_index(KEYS)["coverage"]
    wilson = found.xs("success or not", level="outcomes")
    assert wilson.between(0.93, 0.97).all()
    assert (found.xs(("normal", 10), level=("outcomes", "seeds")) >= 0.9 - slack).all()
    assert len(found) == 3 + 6 * 2 * 3


def test_the_stored_table_keeps_its_promises() -> None:
    check(pd.read_csv(STORED), slack=0)


def test_a_few_repetitions_agree_with_the_stored_table(coverage: Any) -> None:
    few = coverage.simulate(60).set_index(KEYS)["coverage"]
    stored = pd.read_csv(STORED).set_index(KEYS)["coverage"]
    difference = (few - stored).abs()
    # Four standard errors of 60 repetitions at the coverage that is stored.
    bound = 4 * (stored * (1 - stored) / 60).clip(lower=0.01 / 60) ** 0.5 + 0.02
    assert (difference <= bound).all()


def test_the_command_prints_the_table_and_writes_it(
    coverage: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    stored = pd.read_csv(STORED)
    monkeypatch.setattr(coverage, "simulate", lambda: stored)
    monkeypatch.setattr(sys, "argv", ["coverage.py", str(tmp_path / "table.csv")])
    coverage.main()
    assert "success rate (Wilson)" in capsys.readouterr().out
    assert (tmp_path / "table.csv").read_bytes() == STORED.read_bytes()


@pytest.mark.long
def test_the_stored_table_is_that_of_the_code(coverage: Any) -> None:
    table = coverage.simulate()
    check(table, slack=0)
    pd.testing.assert_frame_equal(table.round(4), pd.read_csv(STORED))
