"""Find the gap at which a level of score is lost, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnnbench.statistics.intervals import RESAMPLES, Floats, percentiles, resampled_means

HORIZON = 0.75  # not 0.5: that is exactly the score of adding's half-solved plateau
D90 = 0.9


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

    @property
    def extended(self) -> float:
        """The gap, infinite or 0 where it lies beyond what was measured: for comparing."""
        return {"": self.gap, ">": np.inf, "<": 0.0}[self.bound]


class HorizonRange(NamedTuple):
    """A horizon and the ends of its interval; None where there are too few seeds for one."""

    horizon: Horizon
    low: Horizon | None
    high: Horizon | None

    def __str__(self) -> str:
        beyond = bool(self.horizon.bound) and self.low == self.high
        if self.low is None or self.high is None or beyond:
            return str(self.horizon)
        return f"{self.horizon} ({self.low} to {self.high})"

    def beyond(self, other: HorizonRange) -> bool:
        """Return whether the whole interval lies beyond another's; without one, never."""
        if self.low is None or other.high is None:
            return False
        return self.low.extended > other.high.extended


def horizon(gaps: Iterable[float], scores: Iterable[float], level: float = HORIZON) -> Horizon:
    """Return the gap at which the mean score first falls below a level, linear in log gap.

    The scores are means over seeds; the gaps may be in any order.

    Raises:
        ValueError: gaps are missing, repeated or not positive, or a score is not a number.
    """
    pairs = sorted(zip(gaps, scores, strict=True))
    x, y = np.array(pairs, dtype=float).reshape(-1, 2).T
    if x.size == 0 or x[0] <= 0 or (np.diff(x) == 0).any():
        raise ValueError(f"gaps must be positive, different and at least one, got {x.tolist()}")
    if not np.isfinite(y).all():
        raise ValueError(f"scores must be finite, got {y.tolist()}")
    return _bounded(float(_crossing(x, y, level)), x)


def horizon_range(
    scores: Mapping[float, ArrayLike],
    level: float = HORIZON,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> HorizonRange:
    """Return a horizon with its bootstrap interval over the seeds of every gap.

    Where a resample never loses the level, or never reaches it, its horizon lies beyond the
    measured range, and so may an end of the interval. `scores` holds, by gap, one per seed.
    """
    gaps = np.array(sorted(scores), dtype=float)
    strata = [np.asarray(scores[gap], dtype=float) for gap in sorted(scores)]
    point = horizon(gaps, [stratum.mean() for stratum in strata], level)
    smallest = min(stratum.size for stratum in strata)
    means = resampled_means(strata, resamples, seed)
    low, high = percentiles(_crossing(gaps, means, level), smallest)
    if np.isnan(low):
        return HorizonRange(point, None, None)
    return HorizonRange(point, _bounded(low, gaps), _bounded(high, gaps))


def _crossing(x: Floats, y: Floats, level: float) -> Floats:
    """Return where mean scores `(..., G)` first fall below a level: infinite if never.

    Minus infinity where the level is not reached at the first gap.
    """
    below = y < level
    first = below.argmax(-1)
    before = np.maximum(first - 1, 0)
    high = np.take_along_axis(y, before[..., None], -1)[..., 0]
    low = np.take_along_axis(y, first[..., None], -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (high - level) / (high - low)
        crossing: Floats = x[before] * (x[first] / x[before]) ** share
    crossing = np.where(first == 0, -np.inf, crossing)
    return np.where(below.any(-1), crossing, np.inf)


def _bounded(gap: float, gaps: Floats) -> Horizon:
    if np.isinf(gap):
        return Horizon(float(gaps[-1]), ">") if gap > 0 else Horizon(float(gaps[0]), "<")
    return Horizon(gap, "")
