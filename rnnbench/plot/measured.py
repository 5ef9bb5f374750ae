"""Join what was measured of trained runs with their results: diagnoses, scores at other gaps."""

from __future__ import annotations

import pandas as pd

from rnnbench.plot.curves import CURVE
from rnnbench.store.diagnoses import Diagnoses

# What the runs that were tested at other gaps have beside their scores.
OF_A_RUN = ["run_id", *CURVE, "label", "gap", "gap_schedule"]


def join(results: pd.DataFrame, diagnoses: Diagnoses) -> Diagnoses:
    """Return the diagnoses of labelled results, with their variant and label (a curve's name).

    In `runs` what was `label` is `why`, and score, status and the rest of the results are there
    as well; results without a diagnosis are left out. In `curves`, `age` is how old the cue is at
    a time step; negative before it was shown.
    """
    found = diagnoses.runs.rename(columns={"label": "why"})
    own = [name for name in found.columns if name not in results.columns]
    runs = results.merge(found[["run_id", *own]], on="run_id", how="inner")
    names = results[["run_id", "variant", "label"]]
    curves = diagnoses.curves.merge(names, on="run_id", how="inner")
    shown = curves["run_id"].map(runs.set_index("run_id")["cue_time"])
    return Diagnoses(runs, curves.assign(age=curves["time"] - shown))


def transfer_runs(results: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run and test gap, as far as they are measured.

    Columns: run_id, task, cell, variant, label, gap, gap_schedule, test_gap, score. Failed runs
    have no weights; they count with score 0 wherever others of their condition are measured.
    """
    measured = transfer[["run_id", "condition_id", "test_gap"]]
    measured = measured.assign(score=transfer["score"].clip(0, 1))
    gaps = measured[["condition_id", "test_gap"]].drop_duplicates()
    failed = results.loc[results["status"] == "failed", ["run_id", "condition_id"]]
    failed = failed.merge(gaps, on="condition_id").assign(score=0.0)
    scores = pd.concat([measured[~measured["run_id"].isin(failed["run_id"])], failed])
    scores = scores.drop(columns="condition_id")
    return results[OF_A_RUN].merge(scores, on="run_id", how="inner")


def joined(runs: pd.DataFrame, diagnosis: Diagnoses) -> Diagnoses:
    """Return what `join` does of labelled runs; a diagnosis that was joined keeps these runs alone.

    Raises:
        ValueError: no run was diagnosed.
    """
    if "age" not in diagnosis.curves:
        diagnosis = join(runs, diagnosis)
    kept = Diagnoses(*(frame[frame["run_id"].isin(runs["run_id"])] for frame in diagnosis))
    if kept.curves.empty:
        raise ValueError("diagnosis must be of the runs, got none of these")
    return kept
