"""Which gaps have panels of their own, where there are more than a page can show."""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_GAPS = 10


def at_some_gaps(results: pd.DataFrame) -> pd.DataFrame:
    """Return the runs at up to MOST_GAPS gaps of each task, even in log gap, ends included.

    Args:
        results: one row per run.
    """
    gaps = results.groupby("task")["gap"].transform(lambda own: own.isin(spread(own.unique())))
    return results[gaps.astype(bool)]


def gap_notes(results: pd.DataFrame) -> tuple[str, ...]:
    """Return what a legend has to say of gaps that have no panel; nothing where all have one."""
    most, shown = (
        int(runs.groupby("task")["gap"].nunique().max())
        for runs in (results, at_some_gaps(results))
    )
    return (f"panels: {shown} of {most} gaps",) if most > shown else ()


def spread(gaps: np.ndarray) -> list[int]:
    """Return up to MOST_GAPS of different gaps, as even in log gap as they come."""
    ordered = np.sort(gaps)
    if len(ordered) <= MOST_GAPS:
        return [int(gap) for gap in ordered]
    wanted = np.geomspace(ordered[0], ordered[-1], MOST_GAPS)
    nearest = np.abs(np.log(ordered)[:, None] - np.log(wanted)).argmin(0)
    return [int(gap) for gap in ordered[np.unique(nearest)]]
