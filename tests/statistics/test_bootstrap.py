"""Bootstrap intervals: what is drawn, what is not, and what too few seeds give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from rnnbench.statistics import (
    area_under_score,
    bootstrap_interval,
    horizon,
    horizon_range,
    interquartile_mean,
    probability_of_improvement,
)
from rnnbench.statistics.intervals import percentiles, resample, resampled_means

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


def test_only_values_of_the_own_stratum_are_drawn() -> None:
    ((low, high),) = resample([[1, 2, 3], [10, 20]], resamples=500)
    assert low.shape == (500, 3) and high.shape == (500, 2)
    assert set(np.unique(low)) == {1, 2, 3}
    assert set(np.unique(high)) == {10, 20}


@pytest.mark.parametrize("values_at_a_time", [1, 100, 2**20])
def test_blocks_do_not_change_what_is_drawn(
    monkeypatch: pytest.MonkeyPatch, values_at_a_time: int
) -> None:
    """Against the plain way: one generator, stratum after stratum, each in one piece."""
    strata = [TEN, TEN[:7] + 1]
    generator = np.random.default_rng(5)
    shapes = [(each, (300, each.size)) for each in strata]
    plain = [v[generator.integers(0, v.size, shape, dtype=np.int32)] for v, shape in shapes]
    monkeypatch.setattr("rnnbench.statistics.intervals.BLOCK", values_at_a_time)
    drawn = zip(*resample(strata, resamples=300, seed=5), strict=True)
    for found, expected in zip(drawn, plain, strict=True):
        np.testing.assert_array_equal(np.concatenate(found), expected)
    means = np.stack([each.mean(-1) for each in plain], -1)
    np.testing.assert_array_equal(resampled_means(strata, 300, 5), means)


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    first = bootstrap_interval([TEN], mean, seed=1)
    assert first == bootstrap_interval([TEN], mean, seed=1)
    assert first != bootstrap_interval([TEN], mean, seed=2)


def test_of_a_mean_it_is_nearly_students() -> None:
    values = np.random.default_rng(0).normal(size=40)
    found = bootstrap_interval([values], mean, resamples=20000)
    half = stats.t.ppf(0.975, 39) * values.std(ddof=1) / math.sqrt(40)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.08 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.08 * half)


def test_strata_that_differ_do_not_widen_it() -> None:
    """What lies between the gaps is no chance: only spread within them counts."""
    apart = bootstrap_interval([TEN, TEN + 100], mean)
    together = bootstrap_interval([np.concatenate([TEN, TEN + 100])], mean)
    assert apart.high - apart.low < 0.1 * (together.high - together.low)


def test_four_seeds_have_no_interval() -> None:
    found = bootstrap_interval([TEN, TEN[:4]], mean)
    assert found.mean == pytest.approx(np.concatenate([TEN, TEN[:4]]).mean())
    assert math.isnan(found.low) and math.isnan(found.high)


def test_expanded_percentiles_by_hand() -> None:
    # n = 10: sqrt(10 / 9) * t(0.975, 9 degrees) = 1.0541 * 2.2622 = 2.3845, of which 0.855 % of
    # the normal lie below: ranks 8 and 991 of 0 .. 999.
    assert percentiles(np.arange(1000.0), 10) == (8, 991)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="strata must hold at least one value each"):
        bootstrap_interval([TEN, []], mean)


def test_a_pair_won_counts_one_and_a_tie_half() -> None:
    # First stratum: won, won, lost, tied = 2.5 / 4; second: all won.
    ours = [[1.0, 0.9, 0.2, 0.5], [1.0] * 4]
    theirs = [[0.5, 0.8, 0.3, 0.5], [0.0] * 4]
    assert probability_of_improvement(ours, theirs).mean == pytest.approx((2.5 / 4 + 1) / 2)
    assert probability_of_improvement(theirs, ours).mean == pytest.approx((1.5 / 4 + 0) / 2)


def test_pairs_are_drawn_as_pairs() -> None:
    """Two cells that rise and fall with the seed: every pair is won, whatever the spread."""
    found = probability_of_improvement([TEN + 0.01], [TEN])
    assert found == (1.0, 1.0, 1.0)


def test_unpaired_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="must hold the same seeds"):
        probability_of_improvement([[1, 2]], [[1]])


def test_the_area_by_hand() -> None:
    # Over ln 10 .. ln 40 in two equal parts: (1 + 0.5) / 2 and (0.5 + 0) / 2.
    scores = {40: [0.0] * 5, 10: [1.0] * 5, 20: [0.4, 0.6, 0.5, 0.5, 0.5]}
    found = area_under_score(scores)
    assert found.mean == pytest.approx(0.5)
    assert found.low < 0.5 < found.high
    assert found.high - found.low < 0.1
    with pytest.raises(ValueError, match="at least two gaps"):
        area_under_score({10: [1.0]})


def test_a_horizon_without_spread_has_no_width() -> None:
    scores = {10: [1.0] * 5, 20: [0.95] * 5, 40: [0.55] * 5}
    found = horizon_range(scores)
    assert found.horizon == horizon([10, 20, 40], [1.0, 0.95, 0.55])
    assert found.low == found.high == found.horizon
    assert str(found) == "28.3 (28.3 to 28.3)"


def test_a_horizon_may_lie_beyond_what_was_measured() -> None:
    """At the last gap three of five seeds hold: lost on average, but not for all draws of seeds."""
    scores = {10: [1.0] * 5, 160: [1.0, 1.0, 1.0, 0.0, 0.0]}
    found = horizon_range(scores)
    assert found.horizon.bound == ""
    assert found.high == (160, ">")
    assert found.low is not None and 10 < found.low.gap < found.horizon.gap
    assert str(horizon_range({10: [0.0] * 5, 20: [0.0] * 5})) == "< 10"


def test_a_horizon_of_four_seeds_has_no_interval() -> None:
    found = horizon_range({10: [1.0] * 4, 20: [0.0] * 4})
    assert found.low is None and found.high is None
    assert str(found) == str(found.horizon)


def test_every_resampled_horizon_is_that_of_its_means() -> None:
    """The vectorised crossing agrees with the one-curve function on random curves."""
    draw = np.random.default_rng(0)
    gaps = np.array([11.0, 20, 40, 80, 160])
    for _ in range(200):
        curve = draw.random(5)
        lone = horizon(gaps, curve)
        ranged = horizon_range({gap: [value] * 5 for gap, value in zip(gaps, curve, strict=True)})
        assert ranged.horizon.gap == pytest.approx(lone.gap)
        assert ranged.low is not None and ranged.low.gap == pytest.approx(lone.gap)
