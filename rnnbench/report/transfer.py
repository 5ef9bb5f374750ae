"""Trained networks at other gaps: who remembers beyond the gap of training, and who below it."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from rnnbench.report.variants import CURVE
from rnnbench.statistics import HORIZON

POINT = [*CURVE, "label", "gap", "test_gap"]
OF_A_RUN = ["run_id", *CURVE, "label", "gap", "gap_schedule"]


def transfer_runs(results: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run and test gap, as far as they are measured.

    Columns: run_id, task, cell, variant, label, gap, gap_schedule, test_gap, score. Failed runs
    have no weights; they count with score 0 wherever others of their condition are measured.

    Args:
        results: labelled, one row per run.
        transfer: as `rnnbench.load_transfer` gives it.
    """
    measured = transfer[["run_id", "condition_id", "test_gap", "score"]]
    gaps = measured[["condition_id", "test_gap"]].drop_duplicates()
    failed = results.loc[results["status"] == "failed", ["run_id", "condition_id"]]
    failed = failed.merge(gaps, on="condition_id").assign(score=0.0)
    scores = pd.concat([measured[~measured["run_id"].isin(failed["run_id"])], failed])
    scores = scores.drop(columns="condition_id")
    return results[OF_A_RUN].merge(scores, on="run_id", how="inner")


def transfer_means(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the mean score over seeds: one row per curve, training gap and test gap."""
    return runs.groupby(POINT, observed=True)["score"].mean().reset_index()


def reaches(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run: where it scores 0.75 or more.

    Columns beside those of the run: own (at its training gap), shorter (at every shorter test gap
    as well; None where none was measured), longest (the last test gap, from its own on, up to
    which it does at every one), measured (the longest test gap).
    """
    rows = []
    for key, own in runs.groupby(OF_A_RUN, observed=True):
        run = dict(zip(OF_A_RUN, key, strict=True))
        good = own.set_index("test_gap")["score"].sort_index() >= HORIZON
        gap = run["gap"]
        below, above = good[good.index < gap], good[good.index >= gap]
        learned = bool(good.get(gap, False))
        longest = above.index[above.cummin()][-1] if learned else gap
        shorter = bool(below.all()) if len(below) else None
        rows.append([*key, learned, shorter, longest, good.index[-1]])
    return pd.DataFrame(rows, columns=[*OF_A_RUN, "own", "shorter", "longest", "measured"])


class Tally(NamedTuple):
    """How many runs hold on where.

    Attributes:
        runs: in all.
        own: that score 0.75 or more at the gap of their training.
        below: of `own`, those that were measured at shorter gaps.
        shorter: of `below`, those that do so at all of them.
        above: of `own`, those that were measured at longer gaps.
        longer: of `above`, those that do so at one or more.
        factor: median over `above` of the longest such gap over that of training.
    """

    runs: int
    own: int
    below: int
    shorter: int
    above: int
    longer: int
    factor: float


def tally(found: pd.DataFrame) -> Tally:
    """Count the runs of `reaches`."""
    own = found[found["own"].astype(bool)]
    below = own["shorter"].dropna()
    above = own[own["measured"] > own["gap"]]
    factors = above["longest"] / above["gap"]
    counts = (len(found), len(own), len(below), int(below.sum()), len(above))
    return Tally(*counts, int((factors > 1).sum()), float(factors.median()))
