"""Steps to solve as a survival curve: a textbook's numbers, and what never solves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnbench.statistics import solving_curve

NAN = math.nan


def test_a_textbook_example() -> None:
    # Remission times of 6-MP, Freireich et al. (1963), the example of every textbook: 21 patients,
    # 9 relapses; S(6) = 0.857, S(7) = 0.807, S(10) = 0.753, S(13) = 0.690, S(22) = 0.538.
    times = [6, 6, 6, NAN, 7, NAN, 10, NAN, NAN, 13, 16, NAN, NAN, NAN, 22, 23]
    times += [NAN] * 5
    ends = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    curve = solving_curve(times, ends)
    survival = dict(zip(curve.steps, 1 - curve.solved, strict=True))
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for step, value in published.items():
        assert survival[step] == pytest.approx(value, abs=5e-4)
    # Greenwood's standard error at 10 is 0.0963: on the log-log scale 0.503 to 0.889.
    at = list(curve.steps).index(10)
    assert 1 - curve.high[at] == pytest.approx(0.503, abs=2e-3)
    assert 1 - curve.low[at] == pytest.approx(0.889, abs=2e-3)


def test_without_censoring_it_is_the_share_of_runs() -> None:
    curve = solving_curve([200, 400, 400, 1000], [3000] * 4)
    assert curve.steps.tolist() == [200, 400, 1000]
    assert curve.solved.tolist() == [0.25, 0.75, 1.0]


def test_a_run_that_never_solves_stays_in_the_count() -> None:
    curve = solving_curve([200, 400, NAN, NAN], [3000] * 4)
    assert curve.solved[-1] == 0.5
    assert np.all(np.diff(curve.solved) >= 0)


def test_no_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="steps_to_solve must be at least one"):
        solving_curve([], [])
