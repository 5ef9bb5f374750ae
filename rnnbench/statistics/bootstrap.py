"""The bootstrap over seeds: what an estimate would be had other seeds been drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rnnbench.statistics.intervals import Interval

RESAMPLES = 2000
MIN_SEEDS = 5  # below, an interval covers too little: see docs/coverage.csv
Floats = NDArray[np.float64]


def resample(
    strata: Sequence[ArrayLike], resamples: int = RESAMPLES, seed: int = 0
) -> list[Floats]:
    """Draw each stratum's values anew, with replacement: `(resamples, n)` for n values.

    A stratum is what is not left to chance: the seeds of one gap and task.
    """
    generator = np.random.default_rng(seed)
    drawn = []
    for stratum in strata:
        values = np.asarray(stratum, dtype=float)
        chosen = generator.integers(0, values.size, (resamples, values.size), dtype=np.int32)
        drawn.append(values[chosen])
    return drawn


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
    estimates = statistic(np.concatenate(resample(strata, resamples, seed), axis=-1))
    ends = percentiles(estimates, min(sizes), confidence)
    return Interval(float(statistic(everything)), *ends)
