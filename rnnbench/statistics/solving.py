"""Work out how many steps runs need to solve their task, where many never do."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]


class SolvingCurve(NamedTuple):
    """The share of runs that have solved their task after so many steps, with its interval.

    All are `(N,)`. The interval's ends are NaN before the first and after the last solved run.
    """

    steps: Floats
    solved: Floats
    low: Floats
    high: Floats


def solving_curve(
    steps_to_solve: ArrayLike, steps: ArrayLike, confidence: float = 0.95
) -> SolvingCurve:
    """Return the share of runs solved by each step, where unsolved ones are censored.

    The complement of the estimator of Kaplan & Meier (1958, JASA 53); interval: Greenwood's
    variance on the log-log scale. A run that diverged or failed never solves its task, however
    long it had been trained: it is censored at the longest training, not where it stopped.
    `steps_to_solve (N,)` is NaN for a run that is not solved; `steps (N,)` is how long each was
    meant to be trained at most.

    Raises:
        ValueError: there are no runs.
    """
    times, longest = np.asarray(steps_to_solve, dtype=float), np.asarray(steps, dtype=float)
    if times.size == 0:
        raise ValueError("steps_to_solve must be at least one, got none")
    censored = np.isnan(times)
    ended = np.where(censored, longest, times)
    found = stats.ecdf(stats.CensoredData.right_censored(ended, censored)).cdf
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # that an end is undefined: it is NaN
        ends = found.confidence_interval(confidence, method="log-log")
    low, high = ends.low.probabilities, ends.high.probabilities
    return SolvingCurve(found.quantiles, found.probabilities, low, high)


def median_steps(steps_to_solve: Iterable[float]) -> float:
    """Return the median steps to solve over all runs, of which NaN ones never solved.

    An unsolved run took longer than any solved one, so it counts as infinite: the median of the
    solved runs alone would reward a cell for failing on its hard seeds. NaN where it is infinite.
    """
    steps = np.asarray(list(steps_to_solve), dtype=float)
    median = float(np.median(np.where(np.isnan(steps), np.inf, steps)))
    return median if np.isfinite(median) else np.nan
