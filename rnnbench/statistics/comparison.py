"""How probably one cell does better than another on the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from rnnbench.statistics.bootstrap import RESAMPLES, Floats, percentiles, resampled_means
from rnnbench.statistics.intervals import Interval


def probability_of_improvement(
    ours: Sequence[ArrayLike],
    theirs: Sequence[ArrayLike],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return how often our score is the higher one on a seed, a tie counting half.

    Agarwal et al. (2021, arXiv:2108.13264), here on pairs: the same seed has the same data for
    every cell. The mean over strata of the share of seeds; the interval is a stratified bootstrap
    over the pairs. Where every pair says the same, it has no width: the seeds are then too few to
    tell how sure that is.

    Args:
        ours: the scores of each stratum (a gap of a task), by seed.
        theirs: the same strata and seeds, of the other cell.
        confidence: of the interval.
        resamples: how often the pairs are drawn anew.
        seed: of the draws.

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
    ends = percentiles(means.mean(-1), min(a for a, _ in sizes), confidence)
    return Interval(float(np.mean([each.mean() for each in wins])), *ends)
