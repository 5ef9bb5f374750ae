"""Each interval holds the truth about as often as it says; the stored table is that of the code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

DOCS = Path(__file__).resolve().parents[2] / "docs"
STORED = DOCS / "coverage.csv"
KEYS = ["statistic", "method", "truths", "seeds"]
OURS = {
    "mean score": "Gaffke",
    "area": "Gaffke",
    "difference of areas": "Gaffke",
    "horizon": "Bayesian bootstrap",
}


@pytest.fixture(scope="module")
def coverage() -> Any:
    """The program, as a module."""
    spec = importlib.util.spec_from_file_location("docs_coverage", DOCS / "coverage.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored() -> pd.DataFrame:
    return pd.read_csv(STORED).set_index(KEYS)


@pytest.mark.parametrize("truths", ["chosen on", "held out"])
@pytest.mark.parametrize("statistic", OURS)
@pytest.mark.parametrize("seeds", [5, 10])
def test_it_holds_the_truth_as_often_as_it_says(
    stored: pd.DataFrame, statistic: str, seeds: int, truths: str
) -> None:
    found = stored.loc[(statistic, OURS[statistic], truths, seeds)]
    assert found["coverage"] >= 0.93
    # Of horizons at ten seeds the worst is a plateau just above the level, with seeds that are
    # good or bad at all gaps: 0.89 to 0.90 of many more repetitions.
    assert found["worst"] >= (0.87 if (statistic, seeds) == ("horizon", 10) else 0.9)


@pytest.mark.parametrize("seeds", [3, 5, 10, 20])
def test_a_mean_score_and_a_difference_hold_it_at_any_number_of_seeds(
    stored: pd.DataFrame, seeds: int
) -> None:
    for statistic in ("mean score", "area", "difference of areas"):
        assert stored.loc[(statistic, "Gaffke", "held out", seeds), "worst"] >= 0.92


@pytest.mark.parametrize("seeds", [5, 10])
def test_what_it_replaced_holds_it_less_often(stored: pd.DataFrame, seeds: int) -> None:
    for statistic, method in (("mean score", "Student t"), ("area", "bootstrap")):
        before = stored.loc[(statistic, method, "held out", seeds)]
        now = stored.loc[(statistic, OURS[statistic], "held out", seeds)]
        assert before["worst"] < 0.6 < now["worst"]
        assert before["width"] < now["width"]


def test_about_half_of_the_truths_were_held_out(coverage: Any) -> None:
    kinds = pd.Series([truth.kind for truth in coverage.truths()])
    assert set(kinds) == {"chosen on", "held out"}
    assert 0.4 < (kinds == "held out").mean() < 0.6
    assert len({truth.name for truth in coverage.truths()}) == len(kinds)


def test_scores_have_the_means_of_their_curves(coverage: Any) -> None:
    curves = list(coverage.CURVES)
    for truth in coverage.truths():
        outcomes, name = truth.name.split(", ")
        if outcomes == "reference":
            continue
        following = curves[(curves.index(name) + 1) % len(curves)]
        own = [coverage.CURVES[name], coverage.CURVES[following]]
        # Noise is cut at 0 and 1, which moves means beside them.
        slack = 0.05 if outcomes in ("near-normal", "noisy") else 1e-4
        assert np.allclose(truth.all().mean(-1), own, atol=slack)


def test_what_is_drawn_has_the_true_means(coverage: Any) -> None:
    for truth in coverage.truths():
        scores = truth.draw(np.random.default_rng(0), 400, 5)
        assert scores.shape == (400, 2, 5, 5) and scores.min() >= 0 and scores.max() <= 1
        assert np.allclose(scores.mean((0, -1)), truth.all().mean(-1), atol=4 * 0.5 / 2000**0.5)


def test_common_seeds_are_good_or_bad_at_all_gaps_together(coverage: Any) -> None:
    for truth in coverage.truths():
        if truth.name == "common seeds, falling":
            scores = truth.draw(np.random.default_rng(0), 20, 5)
            assert (np.diff(scores[:, 0], axis=1) <= 0).all()  # as the curve falls


def test_a_few_repetitions_agree_with_the_stored_table(coverage: Any, stored: pd.DataFrame) -> None:
    repetitions = 3
    few = coverage.simulate(repetitions).set_index(KEYS)
    assert set(few.index) == set(stored.index)
    kinds = pd.Series([truth.kind for truth in coverage.truths()]).value_counts()
    tries = repetitions * few.index.get_level_values("truths").map(kinds).to_series().fillna(1)
    true = stored.loc[few.index, "coverage"]
    error = np.sqrt(true * (1 - true) / tries.to_numpy())
    assert ((few["coverage"] - true).abs() <= 4 * error + 1e-3).all()


def test_students_interval_is_that_of_scipy(coverage: Any) -> None:
    values = np.random.default_rng(0).random((2, 7))
    found = coverage._student(values)
    for row, ends in zip(values, found):
        assert np.allclose(ends, stats.t.interval(0.95, 6, row.mean(), stats.sem(row)))


def test_an_interval_holds_what_lies_between_its_ends(coverage: Any) -> None:
    ends = np.array([(0.1, 0.3), (0.3, 0.9), (0.4, 0.5), (-1.0, 2.0)])
    assert coverage._held(ends, 0.3, 0, 1) == (0.75, (0.2 + 0.6 + 0.1 + 1) / 4)


def test_the_command_prints_the_table_and_writes_it(
    coverage: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(coverage, "simulate", lambda: pd.read_csv(STORED))
    monkeypatch.setattr(sys, "argv", ["coverage.py", str(tmp_path / "table.csv")])
    coverage.main()
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("Wilson", "Student t", "held out", "worst"))
    assert (tmp_path / "table.csv").read_bytes() == STORED.read_bytes()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_stored_table_is_that_of_the_code(coverage: Any) -> None:
    pd.testing.assert_frame_equal(coverage.simulate(), pd.read_csv(STORED))
