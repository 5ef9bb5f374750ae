"""Simulate how often each 95 % interval holds the truth: `python docs/coverage.py [FILE]`.

Sweeps of five gaps are drawn from many truths: a way in which seeds end, and their true mean at
each gap. The suite's intervals were chosen on some of the truths, and the others were held out.
Beside them stand Student's interval and the bootstrap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from itertools import cycle, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

import rnnbench
from rnnbench.statistics import (
    HORIZON,
    Interval,
    areas,
    bootstrap_interval,
    difference_interval,
    horizon,
    horizon_range,
    interquartile_mean,
    mean_interval,
    wilson_interval,
)
from rnnbench.statistics.horizon import _crossing
from rnnbench.statistics.intervals import MIN_SEEDS, TAIL, Floats

GAPS = (10.0, 20.0, 40.0, 80.0, 160.0)
SEEDS = (3, 5, 10, 20)
REPETITIONS, RESAMPLES = 300, 1000
EVEN = (np.arange(20_000) + 0.5) / 20_000  # stands for all uniform numbers
REFERENCE = Path(__file__).resolve().parents[1] / "results" / "reference"
CHOSEN, HELD_OUT = "chosen on", "held out"
KEYS = ["statistic", "method", "truths", "seeds"]

CURVES = {
    "falling": (0.95, 0.9, 0.65, 0.3, 0.1),
    "begins below": (0.7, 0.5, 0.2, 0.1, 0.05),
    "plateau": (0.97, 0.8, 0.78, 0.7, 0.1),
    "on a knot": (1.0, 0.75, 0.4, 0.1, 0.02),
    "high": (0.99, 0.98, 0.97, 0.95, 0.9),
    "near zero": (0.06, 0.04, 0.02, 0.01, 0.01),
    "falls twice": (0.9, 0.7, 0.85, 0.5, 0.1),
}
# Of each way in which seeds end, the curves on which the intervals were chosen; and the others.
SPLIT = {
    "bimodal": (
        ("falling", "begins below", "plateau", "on a knot", "high", "near zero"),
        ("falls twice",),
    ),
    "near-normal": (("falling", "plateau", "on a knot", "high"), ("falls twice",)),
    "noisy": (("falling", "begins below", "high"), ("plateau", "on a knot", "falls twice")),
    "half solved": ((), ("falling", "plateau", "falls twice")),
    "common seeds": ((), tuple(CURVES)),
}


def bimodal(means: Floats, uniform: Floats) -> Floats:
    """Return scores of seeds that solve the task or remember nothing."""
    return (uniform < means).astype(float)


def near_normal(means: Floats, uniform: Floats) -> Floats:
    """Return scores that are normal around the means, cut to [0, 1]."""
    return np.clip(means + 0.1 * special.ndtri(uniform), 0, 1)


def noisy(means: Floats, uniform: Floats) -> Floats:
    """Return scores of seeds that nearly solve the task, or remember next to nothing."""
    spread = 0.06
    away = spread * np.sqrt(2 / np.pi)
    # Not quite 0 or 1: what lies below and above is stretched to uniform numbers of its own.
    rate = np.clip((means - away) / (1 - 2 * away), 0.001, 0.999)
    solved = uniform < rate
    within = np.where(solved, uniform / rate, (uniform - rate) / (1 - rate))
    short = -spread * special.ndtri(within / 2)
    return np.clip(np.where(solved, 1 - short, short), 0, 1)


def half_solved(means: Floats, uniform: Floats) -> Floats:
    """Return scores of 0, 1/2 (adding's plateau, where one number is remembered) and 1."""
    whole, some = means**2, 1 - (1 - means) ** 2
    return ((uniform < whole).astype(float) + (uniform < some)) / 2


def resampled(scores: Floats, uniform: Floats) -> Floats:
    """Return stored scores `(2, G, seeds)` of seeds drawn anew."""
    places = (uniform * scores.shape[-1]).astype(int)
    return np.take_along_axis(scores[None], places, -1)


OUTCOMES = {
    "bimodal": bimodal,
    "near-normal": near_normal,
    "noisy": noisy,
    "half solved": half_solved,
    "common seeds": bimodal,  # one uniform number per seed: good, or bad, at all gaps together
}


class Truth(NamedTuple):
    """A way to draw the scores of a cell, and of another on the same seeds.

    Attributes:
        name: how its seeds end, and its curve.
        kind: whether the intervals were chosen on it, or it was held out.
        common: a seed has the same uniform number at all gaps and for both cells.
        score: takes uniform numbers `(N, 2, G, seeds)`, or `(N, 1, 1, seeds)` if common.
    """

    name: str
    kind: str
    common: bool
    score: Callable[[Floats], Floats]

    def draw(self, generator: np.random.Generator, repetitions: int, seeds: int) -> Floats:
        """Return scores `(repetitions, 2, G, seeds)`."""
        places = (1, 1) if self.common else (2, len(GAPS))
        return self.score(generator.random((repetitions, *places, seeds)))

    def all(self) -> Floats:
        """Return the scores `(2, G, N)` of all seeds there may be."""
        return self.score(EVEN[None, None, None])[0]


@cache
def truths() -> tuple[Truth, ...]:
    """Return all truths; those of the reference are its curves, whose seeds are drawn anew."""
    return (*_simulated(), *_of_the_reference())


def _simulated() -> Iterator[Truth]:
    pairs = dict(zip(CURVES, _with_next(list(CURVES.values())), strict=True))
    for outcomes, split in SPLIT.items():
        for kind, curves in zip((CHOSEN, HELD_OUT), split, strict=True):
            for curve in curves:
                score = partial(OUTCOMES[outcomes], pairs[curve][..., None])
                yield Truth(f"{outcomes}, {curve}", kind, outcomes == "common seeds", score)


def _of_the_reference() -> Iterator[Truth]:
    """Yield a truth per curve of the reference, every other one held out.

    Its shortest gap, 11, counts as 10. The interval of a mean score was chosen on single gaps of
    all of them, so of that statistic none is held out in earnest.
    """
    runs = rnnbench.load_results(REFERENCE)
    runs = runs.assign(score=runs["score"].clip(0, 1))
    kinds = cycle((CHOSEN, HELD_OUT))
    for (task, choice), own in runs.groupby(["task", "lr_choice"]):
        table = own.pivot_table(index=["cell", "gap"], columns="seed", values="score")
        cells = table.index.unique("cell")
        pairs = _with_next([table.loc[cell].to_numpy() for cell in cells])
        for cell, scores in zip(cells, pairs, strict=True):
            name = f"reference, {task} {cell} {choice}"
            yield Truth(name, next(kinds), True, partial(resampled, scores))


def _with_next(values: Sequence[ArrayLike]) -> Floats:
    """Return each of some arrays together with the next, the last with the first."""
    each = np.array(values, dtype=float)
    return np.stack([each, np.roll(each, -1, axis=0)], axis=1)


def simulate(repetitions: int = REPETITIONS) -> pd.DataFrame:
    """Return how often the intervals hold the truth.

    Columns: statistic, method, truths (chosen on, or held out), seeds, coverage (mean over the
    truths), worst (of them; of mean scores, at three gaps), width (mean; of horizons in octaves, of
    the measured range at most).
    """
    rows = [row for seeds in SEEDS for row in _wilson(seeds)]
    for seeds, (number, truth) in product(SEEDS, enumerate(truths())):
        scores = truth.draw(np.random.default_rng([number, seeds]), repetitions, seeds)
        rows += [(*row, truth.kind, seeds) for row in _tried(truth.all(), scores)]
    table = pd.DataFrame(rows, columns=["statistic", "method", "hits", "width", "truths", "seeds"])
    groups = table.groupby(KEYS)
    found = groups.agg(coverage=("hits", "mean"), worst=("hits", "min"), width=("width", "mean"))
    return found.round(4).reset_index()


def _wilson(seeds: int) -> Iterator[tuple[str, str, float, float, str, int]]:
    """Yield the exact coverage of Wilson's interval at many true rates."""
    ends = np.array([wilson_interval(successes, seeds)[1:] for successes in range(seeds + 1)])
    for rate in np.linspace(0.005, 0.995, 199):
        chances = stats.binom.pmf(np.arange(seeds + 1), seeds, rate)
        inside = (ends[:, 0] <= rate) & (rate <= ends[:, 1])
        width = float(chances @ (ends[:, 1] - ends[:, 0]))
        yield "success rate", "Wilson", float(chances @ inside), width, "any rate", seeds


def _tried(every: Floats, scores: Floats) -> Iterator[tuple[str, str, float, float]]:
    """Yield statistics and methods, how often each held the truth, and its mean width.

    Args:
        every: the scores `(2, G, N)` of all seeds there may be.
        scores: drawn, `(repetitions, 2, G, seeds)`.
    """
    for place in range(0, len(GAPS), 2):  # not all, to save time
        truth = every[0, place].mean()
        yield from _of_means("mean score", mean_interval, scores[:, 0, place], truth)
    area, drawn = _areas(every).mean(-1), _areas(scores)
    yield from _of_means("area", mean_interval, drawn[:, 0], area[0])
    less = drawn[:, 0] - drawn[:, 1]
    yield from _of_means("difference of areas", difference_interval, less, area[0] - area[1])
    if scores.shape[-1] >= MIN_SEEDS:
        yield from _of_bootstraps(every[0], scores[:, 0])


def _of_means(
    statistic: str, interval: Callable[..., Interval], values: Floats, truth: float
) -> Iterator[tuple[str, str, float, float]]:
    """Yield what `_tried` does of the mean of values `(repetitions, seeds)`."""
    ours = np.array([_once(interval, *row)[1:] for row in np.sort(values)])
    yield statistic, "Gaffke", *_held(ours, truth)
    yield statistic, "Student t", *_held(_student(values), truth)


def _of_bootstraps(every: Floats, scores: Floats) -> Iterator[tuple[str, str, float, float]]:
    """Yield what `_tried` does of methods that need five seeds, for a single cell."""
    means = _means_drawn_anew(scores)
    own = _areas(means.swapaxes(1, 2))
    yield "area", "bootstrap", *_held(_percentiles(own, scores), _areas(every).mean())
    truth = _octaves(horizon(GAPS, every.mean(-1)).extended)
    measured = _octaves(GAPS)[[0, -1]]
    ours = np.array([_horizon_ends(*map(tuple, np.sort(sweep))) for sweep in scores])
    yield "horizon", "Bayesian bootstrap", *_held(_octaves(ours), truth, *measured)
    first = _percentiles(_octaves(_crossing(np.array(GAPS), means, HORIZON)), scores)
    yield "horizon", "bootstrap", *_held(first, truth, *measured)
    middle, drawn = (np.sort(each[..., len(GAPS) // 2, :]) for each in (every, scores))
    ours = np.array([_once(_interquartile, *row)[1:] for row in drawn])
    yield "interquartile mean", "bootstrap", *_held(ours, interquartile_mean(middle))


@lru_cache(maxsize=2**14)  # outcomes of 0 and 1 are few
def _once(interval: Callable[..., Interval], *values: float) -> Interval:
    return interval(values)


def _interquartile(values: tuple[float, ...]) -> Interval:
    return bootstrap_interval(values, interquartile_mean)


@lru_cache(maxsize=2**14)
def _horizon_ends(*scores: tuple[float, ...]) -> tuple[float, float]:
    _, low, high = horizon_range(dict(zip(GAPS, scores, strict=True)))
    return low.extended, high.extended


def _octaves(gaps: ArrayLike) -> Floats:
    """Return gaps in octaves; 0 and infinity are far away, not infinitely far."""
    return np.log2(np.clip(gaps, 1e-300, 1e300))


def _areas(scores: Floats) -> Floats:
    """Return areas of scores `(..., G, seeds)`."""
    return areas(dict(zip(GAPS, np.moveaxis(scores, -2, 0), strict=True)))


def _student(values: Floats) -> Floats:
    """Return Student's intervals `(repetitions, 2)` of means of values `(repetitions, seeds)`."""
    seeds = values.shape[-1]
    half = stats.t.ppf(1 - TAIL, seeds - 1) * values.std(-1, ddof=1) / np.sqrt(seeds)
    return np.stack([values.mean(-1) - half, values.mean(-1) + half], axis=-1)


def _means_drawn_anew(scores: Floats) -> Floats:
    """Return means `(repetitions, RESAMPLES, G)` of seeds drawn anew, at each gap by itself."""
    seeds = scores.shape[-1]
    generator = np.random.default_rng(0)
    share = generator.multinomial(seeds, np.full(seeds, 1 / seeds), (len(GAPS), RESAMPLES)) / seeds
    return np.moveaxis(share @ np.moveaxis(scores, 0, -1), (0, 2), (-1, 0))


def _percentiles(estimates: Floats, scores: Floats) -> Floats:
    """Return expanded percentiles `(repetitions, 2)` of the bootstrap (Hesterberg, 2015)."""
    seeds = scores.shape[-1]
    wide = np.sqrt(seeds / (seeds - 1)) * stats.t.ppf(1 - TAIL, seeds - 1)
    tail = stats.norm.cdf(-wide)
    low = np.quantile(estimates, tail, axis=1, method="lower")
    return np.stack([low, np.quantile(estimates, 1 - tail, axis=1, method="higher")], axis=-1)


def _held(
    ends: Floats, truth: float | Floats, least: float = -np.inf, most: float = np.inf
) -> tuple[float, float]:
    """Return the share of intervals `(repetitions, 2)` that hold the truth, and their mean width.

    The width counts from `least` to `most`.
    """
    low, high = ends.T
    slack = 1e-9  # of sums of the same numbers in another order
    hits = (low <= truth + slack) & (truth - slack <= high)
    width = high.clip(least, most) - low.clip(least, most)
    return float(hits.mean()), float(width.mean())


def main() -> None:
    """Print the table, and write it to the file that is named."""
    table = simulate()
    shown = table.rename(columns={"coverage": "mean"}).pivot_table(index=KEYS[:3], columns="seeds")
    columns = [(number, each) for number in SEEDS for each in ("mean", "worst", "width")]
    shown = shown.swaplevel(axis=1)[columns]
    print(shown.to_string(float_format="{:.3f}".format, na_rep=""))
    if len(sys.argv) > 1:
        table.to_csv(Path(sys.argv[1]), index=False)


if __name__ == "__main__":
    main()
