"""Steps to solve: the share of all runs, with its interval, and what never solves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from rnnbench.statistics import solving_curve, wilson_interval

NAN = math.nan


def test_it_is_the_share_of_runs_from_step_0_on() -> None:
    curve = solving_curve([200, 400, 400, 1000])
    assert curve.steps.tolist() == [0, 200, 400, 1000]
    assert curve.solved.tolist() == [0, 0.25, 0.75, 1.0]


def test_it_is_kaplan_and_meiers_where_all_train_to_the_end() -> None:
    times = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, *[NAN] * 12])
    curve = solving_curve(times)
    ended = np.where(np.isnan(times), 35, times)
    found = stats.ecdf(stats.CensoredData.right_censored(ended, np.isnan(times))).cdf
    np.testing.assert_allclose(curve.solved[1:], found.evaluate(curve.steps[1:]))


def test_each_share_has_wilsons_interval() -> None:
    curve = solving_curve([200, 400, NAN, NAN])
    for at, count in enumerate((0, 1, 2)):
        assert (curve.solved[at], curve.low[at], curve.high[at]) == wilson_interval(count, 4)


def test_where_none_is_solved_it_is_not_certain() -> None:
    curve = solving_curve([NAN] * 10)
    assert (curve.steps.tolist(), curve.solved.tolist()) == ([0], [0])
    assert curve.high[0] == pytest.approx(0.2775, abs=1e-4)


def test_no_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="steps_to_solve must be at least one"):
        solving_curve([])
