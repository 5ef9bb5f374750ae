"""Find the gap at which a level of score is lost, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnbench.statistics.intervals import MIN_SEEDS, TAIL, Floats, weighted_means

HORIZON = 0.75  # not 0.5: that is exactly the score of adding's half-solved plateau
D90 = 0.9
# Fewer seeds, all of score 1, do not show with 97.5 % that their mean is 0.9: 0.9^35 > 0.025.
D90_SEEDS = 36
ENOUGH = (10, 20, 40)  # numbers of seeds to advise
END = 0.25  # of a seed, at 0 and at 1, beside those that were run


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

    @property
    def is_bounded(self) -> bool:
        """Whether both ends say more than that the horizon may be anywhere on their side."""
        known = ("", self.horizon.bound)
        return all(end is not None and end.bound in known for end in (self.low, self.high))

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
    scores: Mapping[float, ArrayLike], level: float = HORIZON, least_seeds: int = MIN_SEEDS
) -> HorizonRange:
    """Return a horizon with its interval over the seeds of every gap.

    The mean of every gap is drawn anew, by Dirichlet's weights on the scores and a quarter of a
    seed at 0 and at 1 (a Bayesian bootstrap: Rubin, 1981, Annals of Statistics 9). The low end is
    of the first gap at which drawn means lose the level, the high one of the last at which they
    hold it.

    Args:
        scores: by gap, in [0, 1], one per seed.
        level: of the mean score.
        least_seeds: there is no interval where a gap has fewer.
    """
    gaps = np.array(sorted(scores), dtype=float)
    strata = [np.asarray(scores[gap], dtype=float) for gap in sorted(scores)]
    point = horizon(gaps, [stratum.mean() for stratum in strata], level)
    smallest = min(stratum.size for stratum in strata)
    if smallest < least_seeds:
        return HorizonRange(point, None, None)
    columns = [weighted_means(own, END, place) for place, own in enumerate(strata)]
    means = np.stack(columns, axis=-1)
    low = np.quantile(_crossing(gaps, means, level), TAIL, method="lower")
    high = np.quantile(_last_crossing(gaps, means, level), 1 - TAIL, method="higher")
    return HorizonRange(point, _bounded(float(low), gaps), _bounded(float(high), gaps))


def seeds_to_bound(scores: Mapping[float, ArrayLike]) -> int:
    """Return how many seeds of scores like these would bound the horizon.

    0 where these do, or where not even the most of `ENOUGH` would.
    """
    if horizon_range(scores).is_bounded:
        return 0
    seeds = min(np.size(own) for own in scores.values())
    for more in (number for number in ENOUGH if number > seeds):
        like = {gap: np.resize(np.asarray(own, dtype=float), more) for gap, own in scores.items()}
        if horizon_range(like).is_bounded:
            return more
    return 0


def _crossing(x: Floats, y: Floats, level: float) -> Floats:
    """Return where mean scores `(..., G)` first fall below a level: infinite if never.

    Minus infinity where the level is not reached at the first gap.
    """
    below = y < level
    first = below.argmax(-1)
    crossing = np.where(first == 0, -np.inf, _between(x, y, np.maximum(first - 1, 0), level))
    return np.where(below.any(-1), crossing, np.inf)


def _last_crossing(x: Floats, y: Floats, level: float) -> Floats:
    """Return where mean scores `(..., G)` fall below a level for good: infinite if never.

    Minus infinity where the level is not reached at any gap.
    """
    reached = y >= level
    last = x.size - 1 - reached[..., ::-1].argmax(-1)
    crossing = np.where(last == x.size - 1, np.inf, _between(x, y, last, level))
    return np.where(reached.any(-1), crossing, -np.inf)


def _between(x: Floats, y: Floats, place: NDArray[np.intp], level: float) -> Floats:
    """Return where a level lies between a gap and the next, linear in log gap."""
    after = np.minimum(place + 1, x.size - 1)
    high = np.take_along_axis(y, place[..., None], -1)[..., 0]
    low = np.take_along_axis(y, after[..., None], -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where it is not asked
        share = (high - level) / (high - low)
        crossing: Floats = x[place] * (x[after] / x[place]) ** share
    return crossing


def _bounded(gap: float, gaps: Floats) -> Horizon:
    if np.isinf(gap):
        return Horizon(float(gaps[-1]), ">") if gap > 0 else Horizon(float(gaps[0]), "<")
    return Horizon(gap, "")
