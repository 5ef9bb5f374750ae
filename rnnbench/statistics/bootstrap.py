"""The bootstrap over seeds: what an estimate would be had other seeds been drawn."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rnnbench.statistics.intervals import Interval

RESAMPLES = 2000
BLOCK = 2**17  # values drawn at a time: a core's cache holds them
MIN_SEEDS = 5  # below, an interval covers too little: see docs/coverage.csv
Floats = NDArray[np.float64]


def resample(
    strata: Sequence[ArrayLike], resamples: int = RESAMPLES, seed: int = 0
) -> Iterator[list[Floats]]:
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


def resampled_means(
    strata: Sequence[ArrayLike], resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
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


def percentiles(estimates: Floats, smallest: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the ends of an interval from an estimate's values over the resamples.

    The expanded percentile interval (Hesterberg, 2015, doi:10.1080/00031305.2015.1089789): plain
    percentiles are too narrow by sqrt((n - 1) / n), and by what Student's t is wider than the
    normal; both are put back into the level. The ends are values that were seen, so that an
    estimate may be infinite.

    Args:
        estimates: one per resample.
        smallest: values in the smallest stratum; NaN ends below `MIN_SEEDS`.
        confidence: of the interval.
    """
    if smallest < MIN_SEEDS:
        return np.nan, np.nan
    wide = np.sqrt(smallest / (smallest - 1)) * stats.t.ppf((1 + confidence) / 2, smallest - 1)
    tail = float(stats.norm.cdf(-wide))
    low = np.quantile(estimates, tail, method="lower")
    high = np.quantile(estimates, 1 - tail, method="higher")
    return float(low), float(high)


def bootstrap_interval(
    strata: Sequence[ArrayLike],
    statistic: Callable[[Floats], Floats],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return a statistic of all values with its stratified bootstrap interval.

    Args:
        strata: the values of each stratum.
        statistic: takes `(..., N)`, all strata side by side, and reduces the last axis.
        confidence: of the interval.
        resamples: how often all seeds are drawn anew.
        seed: of the draws; the same seed gives the same interval.

    Raises:
        ValueError: a stratum is empty, or there is none.
    """
    sizes = [np.size(stratum) for stratum in strata]
    if not sizes or min(sizes) == 0:
        raise ValueError(f"strata must hold at least one value each, got sizes {sizes}")
    everything = np.concatenate([np.asarray(stratum, dtype=float) for stratum in strata])
    blocks = resample(strata, resamples, seed)
    estimates = np.concatenate([statistic(np.concatenate(drawn, axis=-1)) for drawn in blocks])
    ends = percentiles(estimates, min(sizes), confidence)
    return Interval(float(statistic(everything)), *ends)
