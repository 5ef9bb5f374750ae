"""What the report draws of stored diagnoses: those of its own runs, under its curves' names."""

from __future__ import annotations

import pandas as pd

from rnnbench.diagnose import Diagnoses
from rnnbench.report.style import SHIPPED
from rnnbench.report.variants import CURVE
from rnnbench.statistics import HORIZON

MOST_GAPS = 3
PANEL = ["task", "label"]


def join(results: pd.DataFrame, diagnoses: Diagnoses) -> Diagnoses:
    """Return the diagnoses of labelled results, with their variant and label (a curve's name).

    In `runs` what was `label` is `why`, and score, status and the rest of the results are there
    as well; results without a diagnosis are left out.
    """
    found = diagnoses.runs.rename(columns={"label": "why"})
    own = [name for name in found.columns if name not in results.columns]
    runs = results.merge(found[["run_id", *own]], on="run_id", how="inner")
    names = results[["run_id", "variant", "label"]]
    curves = diagnoses.curves.merge(names, on="run_id", how="inner")
    return Diagnoses(runs, curves.assign(age=_age(curves, runs)))


def _age(curves: pd.DataFrame, runs: pd.DataFrame) -> pd.Series[int]:
    """Return how old the cue is at a time step; negative before it was shown."""
    shown = runs.set_index("run_id")["cue_time"]
    return curves["time"] - curves["run_id"].map(shown)


def panels_of(curves: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the (task, label) pairs that are there, in the order of panels."""
    pairs = curves[[*CURVE, "label"]].drop_duplicates()
    # The plain network first: the others are answers to what it cannot do.
    pairs = pairs.assign(place=[SHIPPED.get(cell, len(SHIPPED)) for cell in pairs["cell"]])
    pairs = pairs.sort_values(["task", "variant", "place", "cell"], kind="stable")
    return list(zip(pairs["task"], pairs["label"], strict=True))


def drawn_gaps(curve: pd.DataFrame) -> list[int]:
    """Return the gaps of a curve to draw: the least, the middle one and the greatest."""
    gaps = sorted(curve["gap"].unique())
    return gaps if len(gaps) <= MOST_GAPS else [gaps[0], gaps[len(gaps) // 2], gaps[-1]]


def gates_gap(gated: pd.DataFrame) -> dict[str, int]:
    """Return for each task the greatest gap that some curve remembers, else the least.

    It remembers a gap with a mean score of HORIZON.

    Args:
        gated: the runs whose gates were measured.
    """
    found = {}
    for task, own in gated.groupby("task"):
        means = own.groupby(["label", "gap"])["score"].mean().reset_index()
        remembered = means[means.score >= HORIZON]["gap"]
        found[str(task)] = int(remembered.max() if len(remembered) else own["gap"].min())
    return found
