"""Simulate how often each interval holds the truth: `python docs/coverage.py [FILE]`.

Simulated sweeps of five gaps whose true curve is known; seeds' outcomes are normal around it, or
bimodal: a seed has solved the task or remembers nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from rnnbench.statistics.horizon import D90, HORIZON, HorizonRange, horizon, horizon_range
from rnnbench.statistics.intervals import (
    Floats,
    area_under_score,
    bootstrap_interval,
    interquartile_mean,
    mean_interval,
    probability_of_improvement,
    wilson_interval,
)

REPETITIONS, RESAMPLES = 2000, 500
SEEDS = (5, 10, 20)
GAPS = (10.0, 20.0, 40.0, 80.0, 160.0)
CURVE = np.array([0.95, 0.9, 0.65, 0.3, 0.1])
SPREAD, SHIFT = 0.1, 0.05
Draw = Callable[[np.random.Generator, Floats, int], Floats]


def normal(generator: np.random.Generator, means: Floats, seeds: int) -> Floats:
    """Draw scores `(gaps, seeds)` around the means."""
    return generator.normal(means[:, None], SPREAD, (len(means), seeds))


def bimodal(generator: np.random.Generator, means: Floats, seeds: int) -> Floats:
    """Draw scores `(gaps, seeds)`: one with a probability of the mean, else zero."""
    return (generator.random((len(means), seeds)) < means[:, None]).astype(float)


def simulate(repetitions: int = REPETITIONS) -> pd.DataFrame:
    """Return the share of repetitions whose 95 % interval holds the truth.

    Columns: statistic, outcomes, seeds, coverage.
    """
    rows = [*_wilson()]
    draws: dict[str, Draw] = {"normal": normal, "bimodal": bimodal}
    for outcomes, draw in draws.items():
        for seeds in SEEDS:
            hits = [
                _hits(draw, seeds, np.random.default_rng([seeds, repetition]), repetition)
                for repetition in range(repetitions)
            ]
            for name, coverage in pd.DataFrame(hits).mean().items():
                rows.append((str(name), outcomes, seeds, float(coverage)))
    return pd.DataFrame(rows, columns=["statistic", "outcomes", "seeds", "coverage"])


def _wilson() -> Iterator[tuple[str, str, int, float]]:
    """Yield the exact coverage of Wilson's interval, on average over the true rate."""
    rates = np.linspace(0.005, 0.995, 199)
    for seeds in SEEDS:
        covered = np.zeros_like(rates)
        for successes in range(seeds + 1):
            _, low, high = wilson_interval(successes, seeds)
            inside = (low <= rates) & (rates <= high)
            covered += inside * stats.binom.pmf(successes, seeds, rates)
        yield "success rate (Wilson)", "success or not", seeds, float(covered.mean())


def _hits(draw: Draw, seeds: int, generator: np.random.Generator, number: int) -> dict[str, float]:
    """Return, for one simulated sweep, which intervals hold the truth; of means, how many do."""
    scores = draw(generator, CURVE, seeds)
    others = draw(generator, CURVE - SHIFT, seeds)
    by_gap = dict(zip(GAPS, scores, strict=True))
    given: dict[str, Any] = {"resamples": RESAMPLES, "seed": number}
    truths = _truths(draw)
    intervals = {
        "interquartile mean": bootstrap_interval(list(scores), interquartile_mean, **given),
        "probability of improvement": probability_of_improvement([*scores], [*others], **given),
        "area": area_under_score(by_gap, **given),
    }
    hits = {name: float(each.low <= truths[name] <= each.high) for name, each in intervals.items()}
    for name, level in (("horizon", HORIZON), ("D90", D90)):
        found = horizon_range(by_gap, level, **given)
        hits[name] = float(_holds(found, horizon(GAPS, CURVE, level).gap))
    means = [mean_interval(points) for points in scores]
    inside = [each.low <= truth <= each.high for each, truth in zip(means, CURVE, strict=True)]
    return hits | {"mean (Student t)": float(np.mean(inside))}


def _holds(found: HorizonRange, truth: float) -> bool:
    low = found.low is not None and (found.low.bound == "<" or found.low.gap <= truth)
    return low and found.high is not None and (found.high.bound == ">" or found.high.gap >= truth)


@cache
def _truths(draw: Draw) -> dict[str, float]:
    if draw is normal:
        # Of the mixture of five normals, by its quantiles.
        grid = np.linspace(-1, 2, 60001)
        below = stats.norm.cdf(grid[:, None], CURVE, SPREAD).mean(1)
        middle = (below > 0.25) & (below < 0.75)
        trimmed = float(np.average(grid[middle], weights=np.gradient(below, grid)[middle]))
        better = float(stats.norm.cdf(SHIFT / (SPREAD * np.sqrt(2))))
    else:
        ones = CURVE.mean()  # zeros fill the lower quarter, ones the upper
        trimmed = float(np.clip((ones - 0.25) / 0.5, 0, 1))
        other = CURVE - SHIFT
        better = float(
            (CURVE * (1 - other) + (CURVE * other + (1 - CURVE) * (1 - other)) / 2).mean()
        )
    x = np.log(GAPS)
    area = float(np.trapezoid(CURVE, x) / (x[-1] - x[0]))
    names = ("interquartile mean", "probability of improvement", "area")
    return dict(zip(names, (trimmed, better, area), strict=True))


def main() -> None:
    """Print the table, and write it to the file that is named."""
    table = simulate()
    wide = table.pivot_table(index=["statistic", "outcomes"], columns="seeds", values="coverage")
    print(wide.round(3).to_string())
    if len(sys.argv) > 1:
        table.round(4).to_csv(Path(sys.argv[1]), index=False)


if __name__ == "__main__":
    main()
