"""Statistics over seeds and over gaps: intervals, steps to solve, how far a cell remembers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

HORIZON = 0.75  # not 0.5: that is exactly the score of adding's half-solved plateau
D90 = 0.9


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval; NaN ends where one value gives none."""

    mean: float
    low: float
    high: float


class Horizon(NamedTuple):
    """The gap at which a level of score is lost.

    Attributes:
        gap: in time steps; where `bound` is not empty, the end of the measured range.
        bound: "" measured, ">" never lost up to `gap`, "<" not even reached at `gap`.
    """

    gap: float
    bound: str

    def __str__(self) -> str:
        return f"{self.bound} {self.gap:g}" if self.bound else f"{self.gap:.1f}"


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


def median_steps(steps_to_solve: Iterable[float]) -> float:
    """Return the median steps to solve over all runs, of which NaN ones never solved.

    An unsolved run took longer than any solved one, so it counts as infinite: the median of the
    solved runs alone would reward a cell for failing on its hard seeds. NaN where it is infinite.
    """
    steps = np.asarray(list(steps_to_solve), dtype=float)
    median = float(np.median(np.where(np.isnan(steps), np.inf, steps)))
    return median if np.isfinite(median) else np.nan


def horizon(gaps: Iterable[float], scores: Iterable[float], level: float = HORIZON) -> Horizon:
    """Return the gap at which the mean score first falls below a level, linear in log gap.

    Args:
        gaps: different, in any order.
        scores: the mean score over seeds at each gap.
        level: 0.75 is the horizon, 0.9 is D90.

    Raises:
        ValueError: gaps are missing, repeated or not positive, or a score is not a number.
    """
    pairs = sorted(zip(gaps, scores, strict=True))
    x, y = np.array(pairs, dtype=float).reshape(-1, 2).T
    if x.size == 0 or x[0] <= 0 or (np.diff(x) == 0).any():
        raise ValueError(f"gaps must be positive, different and at least one, got {x.tolist()}")
    if not np.isfinite(y).all():
        raise ValueError(f"scores must be finite, got {y.tolist()}")
    below = np.flatnonzero(y < level)
    if below.size == 0:
        return Horizon(float(x[-1]), ">")
    first = int(below[0])
    if first == 0:
        return Horizon(float(x[0]), "<")
    share = (y[first - 1] - level) / (y[first - 1] - y[first])
    return Horizon(float(x[first - 1] * (x[first] / x[first - 1]) ** share), "")
