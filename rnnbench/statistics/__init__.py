"""Work out statistics over seeds and over gaps, each with its source and its interval."""

from rnnbench.statistics.horizon import (
    D90,
    D90_SEEDS,
    HORIZON,
    Horizon,
    HorizonRange,
    horizon,
    horizon_range,
    seeds_to_bound,
)
from rnnbench.statistics.intervals import (
    MIN_SEEDS,
    Interval,
    areas,
    bootstrap_interval,
    difference_interval,
    holm,
    interquartile_mean,
    mean_interval,
    sign_flip_p,
    wilson_interval,
)
from rnnbench.statistics.solving import SolvingCurve, median_steps, solving_curve

__all__ = [
    "D90",
    "D90_SEEDS",
    "HORIZON",
    "MIN_SEEDS",
    "Horizon",
    "HorizonRange",
    "Interval",
    "SolvingCurve",
    "areas",
    "bootstrap_interval",
    "difference_interval",
    "holm",
    "horizon",
    "horizon_range",
    "interquartile_mean",
    "mean_interval",
    "median_steps",
    "seeds_to_bound",
    "sign_flip_p",
    "solving_curve",
    "wilson_interval",
]
