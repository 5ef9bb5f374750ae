"""One number for a whole curve: the area under the score over the logarithm of the gap."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from rnnbench.statistics.bootstrap import RESAMPLES, Floats, percentiles, resampled_means
from rnnbench.statistics.intervals import Interval


def area_under_score(
    scores: Mapping[float, ArrayLike],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the mean score over log gap, by trapezia, with its bootstrap interval over seeds.

    1 is a perfect score at every gap. Unlike a horizon it needs no level, and depends on the
    range of gaps that was measured.

    Args:
        scores: by gap, one per seed.
        confidence: of the interval.
        resamples: how often the seeds of every gap are drawn anew.
        seed: of the draws.

    Raises:
        ValueError: there are fewer than two gaps, or one has no scores.
    """
    gaps = sorted(scores)
    if len(gaps) < 2 or any(np.size(scores[gap]) == 0 for gap in gaps):
        raise ValueError(f"scores must be of at least two gaps, some at each, got gaps {gaps}")
    strata = [np.asarray(scores[gap], dtype=float) for gap in gaps]
    x = np.log(gaps)
    means = resampled_means(strata, resamples, seed)
    ends = percentiles(_area(x, means), min(each.size for each in strata), confidence)
    return Interval(float(_area(x, np.array([each.mean() for each in strata]))), *ends)


def _area(x: Floats, y: Floats) -> Floats:
    area: Floats = np.trapezoid(y, x, axis=-1) / (x[-1] - x[0])
    return area
