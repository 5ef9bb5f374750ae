"""Work out how many steps runs need to solve their task, where many never do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnbench.statistics.intervals import wilson_interval

Floats = NDArray[np.float64]


class SolvingCurve(NamedTuple):
    """The share of runs that have solved their task after so many steps, with its interval.

    All are `(N,)`: from step 0 on, and at every step where a run solves its task.
    """

    steps: Floats
    solved: Floats
    low: Floats
    high: Floats


def solving_curve(steps_to_solve: ArrayLike) -> SolvingCurve:
    """Return the share of runs solved by each step, each with Wilson's interval.

    All runs of a curve are meant to be trained for as many steps, and one that diverged or failed
    never solves its task: none is censored, and the share is of all. `steps_to_solve (N,)` is NaN
    for a run that is not solved.

    Raises:
        ValueError: there are no runs.
    """
    times = np.asarray(steps_to_solve, dtype=float)
    if times.size == 0:
        raise ValueError("steps_to_solve must be at least one, got none")
    steps = np.unique(np.append(times[~np.isnan(times)], 0.0))
    solved = [int((times <= step).sum()) for step in steps]
    shares = [wilson_interval(count, times.size) for count in solved]
    return SolvingCurve(steps, *np.array(shares).T)


def median_steps(steps_to_solve: Iterable[float]) -> float:
    """Return the median steps to solve over all runs, of which NaN ones never solved.

    An unsolved run took longer than any solved one, so it counts as infinite: the median of the
    solved runs alone would reward a cell for failing on its hard seeds. NaN where it is infinite.
    """
    steps = np.asarray(list(steps_to_solve), dtype=float)
    median = float(np.median(np.where(np.isnan(steps), np.inf, steps)))
    return median if np.isfinite(median) else np.nan
