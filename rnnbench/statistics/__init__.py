"""Work out statistics over seeds and over gaps, each with its source and its interval."""

from rnnbench.statistics.horizon import D90, HORIZON, Horizon, HorizonRange, horizon, horizon_range
from rnnbench.statistics.intervals import (
    Interval,
    area_under_score,
    bootstrap_interval,
    interquartile_mean,
    mean_interval,
    probability_of_improvement,
    wilson_interval,
)
from rnnbench.statistics.solving import SolvingCurve, median_steps, solving_curve

__all__ = [
    "D90",
    "HORIZON",
    "Horizon",
    "HorizonRange",
    "Interval",
    "SolvingCurve",
    "area_under_score",
    "bootstrap_interval",
    "horizon",
    "horizon_range",
    "interquartile_mean",
    "mean_interval",
    "median_steps",
    "probability_of_improvement",
    "solving_curve",
    "wilson_interval",
]
