"""Intervals in closed form: of a mean over seeds, and of a rate of success."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval; NaN ends where it has none."""

    mean: float
    low: float
    high: float


def mean_interval(values: Iterable[float], confidence: float = 0.95) -> Interval:
    """Return the mean of independent values with its Student t interval.

    Student (1908), "The probable error of a mean", Biometrika 6(1): mean -+ t * s / sqrt(n), with
    n - 1 degrees of freedom. Not bounded to the values' range.

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


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return a rate of success with its score interval.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA
    22: the rates p for which the seen rate lies within z standard errors sqrt(p (1 - p) / n).
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
