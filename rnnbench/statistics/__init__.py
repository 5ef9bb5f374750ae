"""Statistics over seeds and over gaps, each with its source and its interval."""

from rnnbench.statistics.area import area_under_score
from rnnbench.statistics.bootstrap import bootstrap_interval
from rnnbench.statistics.comparison import probability_of_improvement
from rnnbench.statistics.horizon import D90, HORIZON, Horizon, HorizonRange, horizon, horizon_range
from rnnbench.statistics.interquartile import interquartile_mean
from rnnbench.statistics.intervals import Interval, mean_interval, wilson_interval
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
