"""Every curve as one row of plain numbers, for a file."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from rnnbench.statistics import Interval

FIRST = "task cell variant horizon horizon_low horizon_high d90 auc success_rate".split()
FIRST += ["num_parameters", "state_size"]
PLAIN = ["num_parameters", "state_size", "hidden_size", "seconds", "sequences_per_second"]
PLAIN += ["runs", "solved"]


def curve_numbers(curves: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task, cell and variant; NaN where there is no value.

    A horizon or an end of its interval that lies beyond the measured gaps is the last of them,
    with ">" or "<" in the column of its bound.

    Args:
        curves: one row per curve, as `rnnbench.report.summary.horizons` gives it.
    """
    rows = []
    for row in curves.itertuples():
        numbers: dict[str, Any] = {
            **{"task": row.task, "cell": row.cell, "variant": row.variant},
            **_horizon("horizon", row.horizon),
            **_horizon("d90", row.d90),
            **_interval("auc", "auc", row.area),
            **_interval("success_rate", "success", row.success),
            **{name: getattr(row, name) for name in PLAIN},
        }
        rows.append({name: numbers[name] for name in FIRST} | numbers)
    return pd.DataFrame(rows)


def _horizon(name: str, found: Any) -> dict[str, float | str]:
    """Return a HorizonRange as numbers and bounds."""
    ends = {name: found.horizon, f"{name}_low": found.low, f"{name}_high": found.high}
    gaps = {key: end.gap if end else math.nan for key, end in ends.items()}
    return gaps | {f"{key}_bound": end.bound if end else "" for key, end in ends.items()}


def _interval(name: str, ends: str, found: Any) -> dict[str, float]:
    interval = found if isinstance(found, Interval) else Interval(math.nan, math.nan, math.nan)
    return {name: interval.mean, f"{ends}_low": interval.low, f"{ends}_high": interval.high}
