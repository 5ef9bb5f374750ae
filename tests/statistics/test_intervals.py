"""Statistics against numbers worked out by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rnnbench.statistics import (
    D90,
    HORIZON,
    Horizon,
    HorizonRange,
    areas,
    difference_interval,
    holm,
    horizon,
    mean_interval,
    median_steps,
    sign_flip_p,
)


def quantiles(k: int, n: int) -> tuple[float, float]:
    """The ends of the interval of k ones of n: of weights that are Beta's."""
    low = stats.beta.ppf(0.025, k, n - k + 0.5) if k else 0.0
    high = stats.beta.ppf(0.975, k + 0.5, n - k) if k < n else 1.0
    return float(low), float(high)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 5), (3, 5), (5, 5), (7, 10), (10, 10), (2, 40)])
def test_the_interval_of_zeros_and_ones_is_betas(k: int, n: int) -> None:
    mean, low, high = mean_interval([1.0] * k + [0.0] * (n - k))
    assert mean == pytest.approx(k / n)
    assert (low, high) == pytest.approx(quantiles(k, n), abs=0.015)


def test_the_interval_does_not_depend_on_the_order_or_the_moment() -> None:
    values = [0.1, 0.9, 0.5, 0.7]
    assert mean_interval(values) == mean_interval(values[::-1])
    assert mean_interval(values) == mean_interval(np.array(values))


def test_the_interval_is_mirrored_with_the_values() -> None:
    values = np.array([0.05, 0.2, 0.9, 0.95, 1.0])
    mean, low, high = mean_interval(values)
    assert (1 - mean, 1 - high, 1 - low) == pytest.approx(mean_interval(1 - values), abs=0.02)


def test_more_seeds_that_agree_narrow_the_interval() -> None:
    widths = [high - low for _, low, high in (mean_interval([0.8] * n) for n in (2, 5, 10, 50))]
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.1


def test_one_value_has_a_mean_and_no_interval() -> None:
    mean, low, high = mean_interval([0.4])
    assert mean == 0.4
    assert math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize(
    ("values", "rule"), [([], "at least one"), ([0.5, 1.1], "from 0 to 1"), ([-0.1], "from 0 to 1")]
)
def test_what_has_no_mean_from_0_to_1_is_refused(values: list[float], rule: str) -> None:
    with pytest.raises(ValueError, match=f"values must be {rule}"):
        mean_interval(values)


def test_a_difference_has_the_interval_of_its_half_above_a_half() -> None:
    d = [0.2, -0.1, 0.4, 0.0, 0.3]
    halves = mean_interval([(each + 1) / 2 for each in d])
    assert difference_interval(d) == pytest.approx([2 * end - 1 for end in halves])
    assert difference_interval(d).mean == pytest.approx(0.16)


def test_the_sign_flip_p_by_hand() -> None:
    # Of the eight ways to sign 1, 2, 3 two are as far from 0 as all plus: p = 2/8.
    assert sign_flip_p([1, 2, 3]) == 0.25
    # With -1: sums of at least 4 either way are those of 6 and 4: 4/8.
    assert sign_flip_p([-1, 2, 3]) == 0.5
    assert (sign_flip_p([0.3]), sign_flip_p([0.0, 0.0])) == (1, 1)


@pytest.mark.parametrize("seed", range(5))
def test_the_sign_flip_p_is_the_share_of_all_signs(seed: int) -> None:
    d = np.random.default_rng(seed).normal(0.3, 1, size=9)
    signs = np.array(list(itertools.product((1, -1), repeat=9)))
    share = (np.abs(signs @ d) >= abs(d.sum()) - 1e-12).mean()
    assert sign_flip_p(d) == pytest.approx(share)


def test_of_more_pairs_signs_are_drawn() -> None:
    d = np.random.default_rng(2).normal(0.3, 1, size=16)
    signs = np.array(list(itertools.product((1, -1), repeat=16)))
    share = (np.abs(signs @ d) >= abs(d.sum())).mean()
    assert 0.05 < share < 0.5
    assert sign_flip_p(d) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 9999))
    assert sign_flip_p(d) == sign_flip_p(-d)


def test_no_p_is_below_what_the_draws_can_show() -> None:
    assert sign_flip_p(np.full(1000, 0.1)) == 1 / 10_000


def test_holms_correction_by_hand() -> None:
    # 0.01 x 3, then 0.03 x 2, then 0.04 x 1, which may not be below the one before.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([]).size == 0


def test_the_area_by_hand() -> None:
    # Over ln 10 .. ln 40 in two equal parts: (1 + y) / 4 + (y + 0) / 4 with y of each seed.
    found = areas({40: [0.0, 0.0], 10: [1.0, 1.0], 20: [0.4, 0.6]})
    assert found == pytest.approx([0.45, 0.55])
    assert areas({10: [0.3, 0.4]}) == pytest.approx([0.3, 0.4])


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
