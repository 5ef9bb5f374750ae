"""Which of two curves does better on the same seeds, and how sure that is."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from rnnbench.statistics import probability_of_improvement

MOST_CURVES = 6  # of a task: more pairs than these make would be a table that nobody reads


def comparisons(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and pair of curves that share seeds at every gap of both.

    Columns: task, better, worse, seeds (the fewest at a gap), probability (an Interval); the
    curve that is named first does better at least half of the time.
    """
    rows = []
    for task, runs in results.groupby("task"):
        scores = {
            str(label): curve.groupby(["gap", "seed"])["score"].mean()
            for label, curve in runs.groupby("label", sort=False)
        }
        pairs = combinations(scores, 2) if len(scores) <= MOST_CURVES else ()
        for first, second in pairs:
            row = _compare(scores, first, second)
            if row is not None:
                rows.append({"task": str(task)} | row)
    return pd.DataFrame(rows, columns=["task", "better", "worse", "seeds", "probability"])


def _compare(
    scores: dict[str, pd.Series[float]], first: str, second: str
) -> dict[str, object] | None:
    paired = pd.concat([scores[first], scores[second]], axis=1, join="inner")
    if len(paired) < max(len(scores[first]), len(scores[second])):
        return None
    strata = [group for _, group in paired.groupby(level="gap")]
    ours, theirs = ([stratum.iloc[:, side].to_numpy() for stratum in strata] for side in (0, 1))
    found = probability_of_improvement(ours, theirs)
    if found.mean < 0.5:
        first, second, found = second, first, probability_of_improvement(theirs, ours)
    seeds = min(map(len, strata))
    return {"better": first, "worse": second, "seeds": seeds, "probability": found}
