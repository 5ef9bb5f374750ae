"""Work out intervals over seeds: in closed form, or by drawing the seeds of every gap anew.

Sources:
    mean_interval: Student (1908), "The probable error of a mean", Biometrika 6(1).
    wilson_interval: Wilson (1927), "Probable inference, the law of succession, and statistical
        inference", JASA 22.
    percentiles: the expanded percentile interval of Hesterberg (2015),
        doi:10.1080/00031305.2015.1089789.
    interquartile_mean, probability_of_improvement: Agarwal et al. (2021, arXiv:2108.13264).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2000
BLOCK = 2**17  # values drawn at a time: a core's cache holds them
MIN_SEEDS = 5  # below, an interval covers too little: see docs/coverage.csv
Floats = NDArray[np.float64]
Strata = Sequence[ArrayLike]


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval; NaN ends where it has none."""

    mean: float
    low: float
    high: float


def mean_interval(values: Iterable[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the mean of independent values with its Student t interval.

    mean -+ t * s / sqrt(n), with n - 1 degrees of freedom. Not bounded to the values' range.

    Raises:
        ValueError: there are no values.
    """
    sample = np.asarray(list(values), dtype=float)
    if sample.size == 0:
        raise ValueError("values must be at least one, got none")
    mean = float(sample.mean())
    if sample.size == 1:
        return Interval(mean, np.nan, np.nan)
    quantile = stats.t.ppf((1 + confidence) / 2, sample.size - 1)
    half = float(quantile * sample.std(ddof=1) / np.sqrt(sample.size))
    return Interval(mean, mean - half, mean + half)


def wilson_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return a rate of success with its score interval.

    It holds the rates p for which the seen rate lies within z standard errors sqrt(p (1 - p) / n).
    Unlike the rate -+ z standard errors it says something when all or none succeed.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes must be from 0 to trials, got {successes} of {trials}")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    rate, n = successes / trials, trials
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else float(middle - half)
    return Interval(rate, low, 1.0 if successes == n else float(middle + half))


def bootstrap_interval(
    strata: Strata, statistic: Callable[[Floats], Floats], resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return a statistic of all values with its stratified bootstrap interval.

    The statistic takes `(..., N)`, the values of all strata side by side, and reduces the last
    axis. The same seed gives the same interval.

    Raises:
        ValueError: a stratum is empty, or there is none.
    """
    sizes = [np.size(stratum) for stratum in strata]
    if not sizes or min(sizes) == 0:
        raise ValueError(f"strata must hold at least one value each, got sizes {sizes}")
    everything = np.concatenate([np.asarray(stratum, dtype=float) for stratum in strata])
    blocks = resample(strata, resamples, seed)
    estimates = np.concatenate([statistic(np.concatenate(drawn, axis=-1)) for drawn in blocks])
    ends = percentiles(estimates, min(sizes))
    return Interval(float(statistic(everything)), *ends)


def area_under_score(
    scores: Mapping[float, ArrayLike], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return the mean score over log gap, by trapezia, with its bootstrap interval over seeds.

    1 is a perfect score at every gap. Unlike a horizon it needs no level, and depends on the
    range of gaps that was measured. `scores` holds, by gap, one per seed.

    Raises:
        ValueError: there are fewer than two gaps, or one has no scores.
    """
    gaps = sorted(scores)
    if len(gaps) < 2 or any(np.size(scores[gap]) == 0 for gap in gaps):
        raise ValueError(f"scores must be of at least two gaps, some at each, got gaps {gaps}")
    strata = [np.asarray(scores[gap], dtype=float) for gap in gaps]
    x = np.log(gaps)
    means = resampled_means(strata, resamples, seed)
    ends = percentiles(_area(x, means), min(each.size for each in strata))
    return Interval(float(_area(x, np.array([each.mean() for each in strata]))), *ends)


def probability_of_improvement(
    ours: Strata, theirs: Strata, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return how often our score is the higher one on a seed, a tie counting half.

    Agarwal et al. compare all runs of both; here they are paired, for the same seed has the same
    data for every cell. The mean over strata of the share of seeds; the interval is a stratified
    bootstrap over the pairs. Where every pair says the same, it has no width: the seeds are then
    too few to tell how sure that is. `ours` and `theirs` hold the scores of the same strata (gaps
    of tasks) and seeds.

    Raises:
        ValueError: the strata differ in their seeds.
    """
    sizes = [(np.size(a), np.size(b)) for a, b in zip(ours, theirs, strict=True)]
    if not sizes or any(a != b or a == 0 for a, b in sizes):
        raise ValueError(f"ours and theirs must hold the same seeds, got {sizes}")
    wins: list[Floats] = []
    for a, b in zip(ours, theirs, strict=True):
        difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
        wins.append((np.sign(difference) + 1) / 2)
    means = resampled_means(wins, resamples, seed)
    ends = percentiles(means.mean(-1), min(a for a, _ in sizes))
    return Interval(float(np.mean([each.mean() for each in wins])), *ends)


def interquartile_mean(values: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of the middle half along the last axis.

    A quarter of the values, rounded down, is left out at each end, as scipy.stats.trim_mean does.
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    out = ordered.shape[-1] // 4
    middle: NDArray[np.float64] = ordered[..., out : ordered.shape[-1] - out].mean(-1)
    return middle


def percentiles(estimates: Floats, smallest: int) -> tuple[float, float]:
    """Return the ends of an interval from an estimate's values over the resamples.

    Plain percentiles are too narrow by sqrt((n - 1) / n), and by what Student's t is wider than
    the normal; both are put back into the level. The ends are values that were seen, so that an
    estimate may be infinite; they are NaN where the smallest stratum has fewer values than
    `MIN_SEEDS`. There is one estimate per resample.
    """
    if smallest < MIN_SEEDS:
        return np.nan, np.nan
    wide = np.sqrt(smallest / (smallest - 1)) * stats.t.ppf((1 + CONFIDENCE) / 2, smallest - 1)
    tail = float(stats.norm.cdf(-wide))
    low = np.quantile(estimates, tail, method="lower")
    high = np.quantile(estimates, 1 - tail, method="higher")
    return float(low), float(high)


def resample(strata: Strata, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[list[Floats]]:
    """Draw each stratum's values anew, with replacement; yield blocks of `(rows, n)` for n values.

    A stratum is what is not left to chance: the seeds of one gap and task. Its draws follow the
    stratum's before, and do not depend on the size of a block.
    """
    arrays = [np.asarray(stratum, dtype=float) for stratum in strata]
    rows = _rows(sum(each.size for each in arrays))
    generator = np.random.default_rng(seed)
    columns = []
    for place, values in enumerate(arrays):
        columns.append(_draw(values, resamples, rows, copy.deepcopy(generator)))
        if place < len(arrays) - 1:
            for _ in _draw(values, resamples, rows, generator):
                pass
    for blocks in zip(*columns, strict=True):
        yield list(blocks)


def resampled_means(strata: Strata, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return the mean of each stratum's values drawn as by `resample`: `(resamples, strata)`."""
    generator = np.random.default_rng(seed)
    means = []
    for stratum in strata:
        values = np.asarray(stratum, dtype=float)
        blocks = _draw(values, resamples, _rows(values.size), generator)
        means.append(np.concatenate([drawn.mean(-1) for drawn in blocks]))
    return np.stack(means, axis=-1)


def _rows(values: int) -> int:
    return max(1, BLOCK // values)


def _draw(
    values: Floats, resamples: int, rows: int, generator: np.random.Generator
) -> Iterator[Floats]:
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), values.size)
        yield values[generator.integers(0, values.size, shape, dtype=np.int32)]


def _area(x: Floats, y: Floats) -> Floats:
    area: Floats = np.trapezoid(y, x, axis=-1) / (x[-1] - x[0])
    return area
