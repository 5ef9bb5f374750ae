"""Work out intervals over seeds, whose outcomes are often all or nothing.

Sources:
    mean_interval: Gaffke (2005), "Three test statistics for a nonparametric one-sided hypothesis
        on the mean of a nonnegative variable", Mathematical Methods of Statistics 14; as in
        Learned-Miller & Thomas (2019, arXiv:1905.06208).
    wilson_interval: Wilson (1927), "Probable inference, the law of succession, and statistical
        inference", JASA 22.
    bootstrap_interval: the expanded percentile interval of Hesterberg (2015),
        doi:10.1080/00031305.2015.1089789.
    interquartile_mean: Agarwal et al. (2021, arXiv:2108.13264).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
DRAWS = 4000
BLOCK = 2**17  # values drawn at a time: a core's cache holds them
MOST_EXACT = 13  # pairs of which all signs are tried
MANY = 100  # values; of more, weights take long to draw: all seeds share them, in other orders
MIN_SEEDS = 5  # below, a bootstrap covers too little: see docs/coverage.csv
# The weight of a value that was not seen, against 1 of each that was. With 1 it is Gaffke's bound;
# 1/2 takes back what outcomes of 0 and 1 alone, being discrete, cover too much.
END_WEIGHT = 0.5
Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval; NaN ends where it has none."""

    mean: float
    low: float
    high: float


def mean_interval(values: ArrayLike) -> Interval:
    """Return the mean of independent values in [0, 1] with Gaffke's interval.

    The values are weighted at random, Dirichlet(1, ..., 1, 1/2), with the last weight on a value
    that was not seen: at worst 0 for the low end, and 1 for the high one. Unlike Student's it has
    width where all values agree. The draws are always the same. One value has no interval.

    Raises:
        ValueError: there are no values, or one is not in [0, 1].
    """
    sample = np.sort(np.asarray(values, dtype=float))
    if sample.size == 0:
        raise ValueError("values must be at least one, got none")
    if not (sample[0] >= 0 and sample[-1] <= 1):
        raise ValueError(f"values must be from 0 to 1, got {sample[0]:g} to {sample[-1]:g}")
    return _mean_interval(sample.tobytes())


@lru_cache(maxsize=1024)  # tables and figures ask for the same
def _mean_interval(values: bytes) -> Interval:
    sample = np.frombuffer(values)
    mean = float(sample.mean())
    if sample.size == 1:
        return Interval(mean, np.nan, np.nan)
    weights = _dirichlet(sample.size, (END_WEIGHT,), 0)
    least = weights[:, :-1] @ sample
    low, high = np.quantile(least, TAIL), np.quantile(least + weights[:, -1], 1 - TAIL)
    return Interval(mean, min(float(low), mean), min(max(float(high), mean), 1.0))


def difference_interval(differences: Iterable[float]) -> Interval:
    """Return the mean of paired differences in [-1, 1], as `mean_interval` of (d + 1) / 2."""
    halves = [(each + 1) / 2 for each in differences]
    return Interval(*(2 * end - 1 for end in mean_interval(halves)))


def sign_flip_p(differences: ArrayLike) -> float:
    """Return the two-sided p value of a mean difference: the share of all signs as far from 0.

    Exact up to thirteen pairs; beyond, of 9,999 draws that are always the same.

    Raises:
        ValueError: there are no differences.
    """
    sample = np.asarray(differences, dtype=float)
    n = sample.size
    if n == 0:
        raise ValueError("differences must be at least one, got none")
    seen = abs(sample.sum()) - 1e-12 * np.abs(sample).sum()  # a sum depends on the order a little
    if n <= MOST_EXACT:
        every = 1 - 2 * np.indices((2,) * n).reshape(n, -1)
        return float((np.abs(sample @ every) >= seen).mean())
    generator = np.random.default_rng(0)
    far = 1  # the seen signs are among all
    for rows in _blocks(9999, n):
        drawn = 1 - 2 * generator.integers(0, 2, (rows, n), dtype=np.int8)
        far += int((np.abs(drawn @ sample) >= seen).sum())
    return far / 10000


def holm(p_values: ArrayLike) -> Floats:
    """Return p values corrected for their number, by Holm (1979, Scand. J. Statistics 6)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(steps, 1)
    return corrected


def wilson_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return a rate of success with its score interval.

    It holds the rates p for which the seen rate lies within z standard errors sqrt(p (1 - p) / n).
    Unlike the rate -+ z standard errors it says something when all or none succeed.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes must be from 0 to trials, got {successes} of {trials}")
    z = float(special.ndtri((1 + confidence) / 2))
    rate, n = successes / trials, trials
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else float(middle - half)
    return Interval(rate, low, 1.0 if successes == n else float(middle + half))


def areas(scores: Mapping[float, ArrayLike]) -> Floats:
    """Return the area under each seed's scores: their mean over log gap, by trapezia.

    1 is a perfect score at every gap. Unlike a horizon it needs no level, and depends on the range
    of gaps that was measured. At a single gap it is the score.

    Args:
        scores: by gap, in [0, 1], one per seed, the seeds in the same order at each.
    """
    gaps = sorted(scores)
    if len(gaps) == 1:
        return np.asarray(scores[gaps[0]], dtype=float)
    x, y = np.log(gaps), np.stack([np.asarray(scores[gap], dtype=float) for gap in gaps])
    area: Floats = np.clip(np.trapezoid(y, x, axis=0) / (x[-1] - x[0]), 0, 1)
    return area


def weighted_means(values: ArrayLike, end_weight: float, seed: int) -> Floats:
    """Return means of values in [0, 1] weighted at random: `(DRAWS,)`, always the same of a seed.

    The weights are Dirichlet's: 1 of each value, and `end_weight` of a 0 and of a 1 beside them.
    """
    return _weighted(np.sort(np.asarray(values, dtype=float)).tobytes(), end_weight, seed)


@lru_cache(maxsize=1024)  # tables and figures ask for the same
def _weighted(values: bytes, end_weight: float, seed: int) -> Floats:
    sample = np.frombuffer(values)
    is_shared = sample.size > MANY
    weights = _dirichlet(sample.size, (end_weight, end_weight), 0 if is_shared else seed)
    means: Floats = weights[:, :-2] @ sample + weights[:, -1]
    return np.random.default_rng(seed).permutation(means) if is_shared else means


@lru_cache(maxsize=8)  # of a few numbers of seeds: a point after the other has the same
def _dirichlet(values: int, others: tuple[float, ...], seed: int) -> Floats:
    """Draw weights that add up to 1: of so many values, 1 each, and of others."""
    generator = np.random.default_rng([seed, values])
    ones = generator.standard_exponential((DRAWS, values))
    weights = np.hstack([ones, generator.standard_gamma(others, (DRAWS, len(others)))])
    drawn: Floats = weights / weights.sum(1, keepdims=True)
    return drawn


def _blocks(draws: int, values: int) -> Iterator[int]:
    """Yield how many of the draws of so many values are made at a time."""
    rows = max(1, BLOCK // values)
    for start in range(0, draws, rows):
        yield min(rows, draws - start)


def interquartile_mean(values: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of what is left of the values along the last axis without their ends.

    A quarter of them, rounded down, is left out at each end, as scipy.stats.trim_mean does: of
    ten values six are left, of five three.
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    out = ordered.shape[-1] // 4
    middle: NDArray[np.float64] = ordered[..., out : ordered.shape[-1] - out].mean(-1)
    return middle


def bootstrap_interval(
    values: ArrayLike, statistic: Callable[[Floats], Floats], resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return a statistic of values with its bootstrap interval, from `MIN_SEEDS` values on.

    Plain percentiles are too narrow by sqrt((n - 1) / n), and by what Student's t is wider than
    the normal; both are put back into the level. The statistic takes `(..., n)` and reduces the
    last axis. The same seed gives the same interval.

    Raises:
        ValueError: there are no values.
    """
    sample = np.asarray(values, dtype=float)
    n = sample.size
    if n == 0:
        raise ValueError("values must be at least one, got none")
    estimate = float(statistic(sample))
    if n < MIN_SEEDS:
        return Interval(estimate, np.nan, np.nan)
    generator = np.random.default_rng(seed)
    drawn = [
        statistic(sample[generator.integers(0, n, (rows, n), dtype=np.int32)])
        for rows in _blocks(resamples, n)
    ]
    wide = np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, 1 - TAIL)
    tail = float(special.ndtr(-wide))
    ends = np.quantile(np.concatenate(drawn), (tail, 1 - tail))
    return Interval(estimate, *map(float, ends))
