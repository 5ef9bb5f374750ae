"""Statistics against numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rnnbench.statistics import (
    D90,
    HORIZON,
    Horizon,
    HorizonRange,
    horizon,
    mean_interval,
    median_steps,
)


def test_interval_of_three_values_by_hand() -> None:
    # s = 1, t(0.975, 2 degrees) = 4.3027 from the printed table.
    interval = mean_interval([1.0, 2.0, 3.0])
    assert interval.mean == 2
    assert interval.high - 2 == pytest.approx(4.302653 / math.sqrt(3), abs=1e-5)
    assert 2 - interval.low == pytest.approx(interval.high - 2)


def test_interval_follows_the_confidence() -> None:
    # t(0.95, 4 degrees) = 2.1318.
    interval = mean_interval([0.0, 1.0, 2.0, 3.0, 4.0], confidence=0.9)
    assert interval.high - 2 == pytest.approx(2.131847 * math.sqrt(2.5 / 5), abs=1e-5)


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    samples = np.random.default_rng(0).normal(size=(4000, 3))
    covered = [low < 0 < high for _, low, high in map(mean_interval, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 4000))


def test_one_value_has_a_mean_and_no_interval() -> None:
    mean, low, high = mean_interval([0.4])
    assert mean == 0.4
    assert math.isnan(low) and math.isnan(high)


def test_equal_values_have_an_interval_without_width() -> None:
    assert mean_interval([1.0, 1.0]) == (1.0, 1.0, 1.0)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="values must be at least one"):
        mean_interval([])


def test_horizon_is_linear_in_log_gap() -> None:
    # Half of the way from 0.95 down to 0.55 is 0.75: the geometric mean of the two gaps.
    found = horizon([10, 20, 40], [1.0, 0.95, 0.55])
    assert found.gap == pytest.approx(math.sqrt(20 * 40))
    assert str(found) == "28.3"


def test_d90_is_the_same_at_another_level() -> None:
    assert (HORIZON, D90) == (0.75, 0.9)
    assert horizon([10, 40], [1.0, 0.6], D90).gap == pytest.approx(10 * 4**0.25)


def test_horizon_is_the_first_loss_whatever_comes_after_and_in_any_order() -> None:
    scores = {10: 1.0, 20: 0.5, 40: 1.0, 80: 0.0}
    forwards = horizon(scores.keys(), scores.values())
    assert forwards.gap == pytest.approx(math.sqrt(200))
    assert horizon(reversed(scores.keys()), reversed(scores.values())) == forwards


def test_a_score_at_the_level_is_not_below_it() -> None:
    assert horizon([10, 20], [0.75, 0.75]) == (20, ">")


def test_never_lost_and_never_reached() -> None:
    assert str(horizon([11, 160], [1.0, 0.9])) == "> 160"
    assert str(horizon([11, 160], [0.7, 1.0])) == "< 11"


@pytest.mark.parametrize("gaps", [[], [0, 10], [10, 10]])
def test_horizon_refuses_gaps_without_an_order(gaps: list[float]) -> None:
    with pytest.raises(ValueError, match="gaps must be positive, different"):
        horizon(gaps, [1.0] * len(gaps))


def test_horizon_refuses_scores_that_are_not_numbers() -> None:
    with pytest.raises(ValueError, match="scores must be finite"):
        horizon([10, 20], [1.0, math.nan])


def test_an_unsolved_run_counts_as_longer_than_any_other() -> None:
    assert median_steps([400, math.nan, 800]) == 800
    assert median_steps([400, 600, 800, math.nan]) == 700
    assert math.isnan(median_steps([400, math.nan, math.nan]))
    assert math.isnan(median_steps([400, math.nan]))


@pytest.mark.parametrize(
    ("first", "second", "is_beyond"),
    [
        ((Horizon(50, ""), Horizon(80, ">")), (Horizon(10, "<"), Horizon(49, "")), True),
        ((Horizon(50, ""), Horizon(80, ">")), (Horizon(10, "<"), Horizon(51, "")), False),
        ((Horizon(80, ">"), Horizon(80, ">")), (Horizon(40, ""), Horizon(79, "")), True),
        ((Horizon(80, ">"), Horizon(80, ">")), (Horizon(40, ""), Horizon(80, ">")), False),
        ((Horizon(10, ""), Horizon(11, "")), (Horizon(10, "<"), Horizon(10, "<")), True),
        ((None, None), (Horizon(10, ""), Horizon(11, "")), False),
        ((Horizon(50, ""), Horizon(60, "")), (None, None), False),
    ],
)
def test_an_interval_lies_beyond_another_as_a_whole_or_not_at_all(
    first: tuple[Any, Any], second: tuple[Any, Any], is_beyond: bool
) -> None:
    ranges = [HorizonRange(Horizon(55, ""), *ends) for ends in (first, second)]
    assert ranges[0].beyond(ranges[1]) is is_beyond
