"""The interquartile mean and its bootstrap, and horizons: what is drawn, and what too few give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from rnnbench.statistics import (
    D90,
    D90_SEEDS,
    bootstrap_interval,
    horizon,
    horizon_range,
    interquartile_mean,
    seeds_to_bound,
)
from rnnbench.statistics.horizon import _crossing, _last_crossing
from rnnbench.statistics.intervals import MANY, weighted_means

TEN = np.random.default_rng(3).normal(size=10)


def mean(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).mean(-1)


def test_the_interquartile_mean_by_hand() -> None:
    # Of eight, two are left out at each end: (3 + 4 + 5 + 6) / 4.
    assert interquartile_mean([8, 1, 2, 3, 4, 5, 6, 70]) == 4.5
    # Of five, one: a quarter is 1.25, rounded down.
    assert interquartile_mean([0, 0, 0.3, 0.6, 9]) == pytest.approx(0.3)


@pytest.mark.parametrize("n", range(1, 30))
def test_the_interquartile_mean_is_scipys_trimmed_mean(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(3, n))
    np.testing.assert_allclose(interquartile_mean(values), stats.trim_mean(values, 0.25, axis=1))


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    first = bootstrap_interval(TEN, mean, seed=1)
    assert first == bootstrap_interval(TEN, mean, seed=1)
    assert first != bootstrap_interval(TEN, mean, seed=2)


def test_blocks_do_not_change_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bootstrap_interval(TEN, mean)
    monkeypatch.setattr("rnnbench.statistics.intervals.BLOCK", 100)
    assert bootstrap_interval(TEN, mean) == pytest.approx(found)


def test_of_a_mean_it_is_nearly_students() -> None:
    values = np.random.default_rng(0).normal(size=40)
    found = bootstrap_interval(values, mean, resamples=20000)
    half = stats.t.ppf(0.975, 39) * values.std(ddof=1) / math.sqrt(40)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.08 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.08 * half)


def test_four_seeds_have_no_interval() -> None:
    found = bootstrap_interval(TEN[:4], mean)
    assert found.mean == pytest.approx(TEN[:4].mean())
    assert math.isnan(found.low) and math.isnan(found.high)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="values must be at least one"):
        bootstrap_interval([], mean)


def test_seeds_that_agree_leave_a_horizon_that_has_width() -> None:
    scores = {10: [1.0] * 10, 20: [0.95] * 10, 40: [0.55] * 10}
    found = horizon_range(scores)
    assert found.horizon.gap == pytest.approx(math.sqrt(800))
    assert found.low is not None and found.high is not None
    assert 10 < found.low.gap < found.horizon.gap < found.high.gap < 40


def test_a_horizon_may_lie_beyond_what_was_measured() -> None:
    """At the last gap three of five seeds hold: lost on average, but not for all draws of seeds."""
    scores = {10: [1.0] * 5, 160: [1.0, 1.0, 1.0, 0.0, 0.0]}
    found = horizon_range(scores)
    assert found.horizon.bound == ""
    assert found.high == (160, ">")
    assert found.low is not None and found.low.extended < found.horizon.gap


def test_an_interval_goes_from_the_first_loss_to_the_last() -> None:
    """A dip at 20 that half of the draws fall into, and one that comes back up to 80."""
    dips = [1.0] * 15 + [0.0] * 5
    found = horizon_range({10: [1.0] * 20, 20: dips, 40: [1.0] * 20, 80: dips, 160: [0.0] * 20})
    assert found.low is not None and found.low.gap < 20
    assert found.high is not None and 80 < found.high.gap < 160


@pytest.mark.parametrize(
    ("curve", "first", "last"),
    [
        ([1, 0.5, 1, 0.5], "", ""),
        ([1, 1, 1, 1], ">", ">"),
        ([0, 0, 0, 0], "<", "<"),
        ([0, 0, 1, 1], "<", ">"),
        ([0.75, 0.75, 0.5, 0.75], "", ">"),
    ],
)
def test_first_and_last_loss(curve: list[float], first: str, last: str) -> None:
    x, y = np.array([10.0, 20, 40, 80]), np.array([curve])
    for found, bound in ((_crossing(x, y, 0.75), first), (_last_crossing(x, y, 0.75), last)):
        assert {"": np.isfinite(found), ">": found == np.inf, "<": found == -np.inf}[bound]


def test_the_last_loss_by_hand() -> None:
    x, y = np.array([10.0, 20, 40, 80]), np.array([[1, 0.5, 1, 0.5]])
    assert _crossing(x, y, 0.75) == pytest.approx(math.sqrt(200))
    assert _last_crossing(x, y, 0.75) == pytest.approx(math.sqrt(3200))


def test_a_horizon_of_four_seeds_has_no_interval() -> None:
    found = horizon_range({10: [1.0] * 4, 20: [0.0] * 4})
    assert found.low is None and found.high is None
    assert str(found) == str(found.horizon)


def test_d90_has_an_interval_where_so_many_seeds_can_show_it() -> None:
    assert 0.9**D90_SEEDS <= 0.025 < 0.9 ** (D90_SEEDS - 1)
    for seeds in (D90_SEEDS - 1, D90_SEEDS):
        found = horizon_range({10: [1.0] * seeds, 20: [0.0] * seeds}, D90, D90_SEEDS)
        assert (found.low is not None) == (seeds == D90_SEEDS)


@pytest.mark.parametrize("n", [MANY, MANY + 1, 1000])
def test_weighted_means_are_betas_and_those_of_two_gaps_tell_nothing_of_each_other(n: int) -> None:
    values = np.repeat([0.0, 1.0], [n // 4, n - n // 4])
    first, second = (weighted_means(values, 0.25, gap) for gap in range(2))
    levels = [0.025, 0.5, 0.975]
    expected = stats.beta.ppf(levels, n - n // 4 + 0.25, n // 4 + 0.25)
    near = 0.2 * values.std() / math.sqrt(n)
    for means in (first, second):
        assert np.quantile(means, levels) == pytest.approx(expected, abs=near)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06


def test_how_many_seeds_would_bound_a_horizon() -> None:
    holds = {10: [1.0] * 5, 20: [1.0] * 5, 40: [0.0] * 5}
    assert not horizon_range(holds).is_bounded
    assert seeds_to_bound(holds) == 10
    assert horizon_range({gap: own * 2 for gap, own in holds.items()}).is_bounded
    assert seeds_to_bound({gap: own * 2 for gap, own in holds.items()}) == 0


def test_the_point_of_a_horizon_is_that_of_its_means() -> None:
    """The vectorised crossing agrees with the one-curve function on random curves."""
    draw = np.random.default_rng(0)
    gaps = np.array([11.0, 20, 40, 80, 160])
    for _ in range(100):
        curve = draw.random(5)
        lone = horizon(gaps, curve)
        ranged = horizon_range({gap: [value] * 5 for gap, value in zip(gaps, curve, strict=True)})
        assert ranged.horizon.extended == pytest.approx(lone.extended)
        assert ranged.low is not None and ranged.high is not None
        assert ranged.low.extended <= lone.extended <= ranged.high.extended
