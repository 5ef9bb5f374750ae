"""The rate of success, against published figures and its own definition."""

from __future__ import annotations

import math

import pytest

from rnnbench.statistics import wilson_interval


def test_eight_of_ten_by_hand() -> None:
    # z = 1.96: middle (0.8 + 0.192073) / 1.384146, half 1.96 / 1.384146 * sqrt(0.016 + 0.009604).
    rate, low, high = wilson_interval(8, 10)
    assert rate == 0.8
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)


@pytest.mark.parametrize(("n", "low"), [(3, 0.44), (5, 0.57), (10, 0.72), (20, 0.84)])
def test_all_of_n(n: int, low: float) -> None:
    interval = wilson_interval(n, n)
    assert (round(interval.low, 2), interval.high) == (low, 1.0)
    mirrored = wilson_interval(0, n)
    assert mirrored.low == 0.0
    assert mirrored.high == pytest.approx(1 - interval.low)


@pytest.mark.parametrize("successes", range(1, 7))
def test_at_its_ends_the_seen_rate_is_z_standard_errors_away(successes: int) -> None:
    rate, low, high = wilson_interval(successes, 7)
    for end in (low, high):
        assert abs(rate - end) / math.sqrt(end * (1 - end) / 7) == pytest.approx(1.959964)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 4)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="successes must be from 0 to trials"):
        wilson_interval(successes, trials)
