"""The labels of diagnosed runs, and what they rest on, as tables for people."""

from __future__ import annotations

import pandas as pd

from rnnbench.diagnose import Diagnoses
from rnnbench.diagnose.label import LABELS
from rnnbench.report.document import Table


def label_table(runs: pd.DataFrame) -> Table:
    """Return how many runs have which label, curve x gap."""
    gaps = sorted(runs["gap"].unique())
    rows = []
    for (task, label), own in runs.groupby(["task", "label"], sort=False):
        cells = [count_labels(own[own.gap == gap]) for gap in gaps]
        rows.append((str(task), str(label), *cells))
    return Table(("task", "cell", *(f"gap {gap}" for gap in gaps)), tuple(rows), names=2)


def count_labels(runs: pd.DataFrame) -> str:
    """Return how many runs have which label, in words."""
    counts = runs["why"].value_counts()
    return ", ".join(f"{counts[why]} {why}" for why in LABELS if why in counts)


def evidence_table(joined: Diagnoses) -> Table:
    """Return the medians of what the labels rest on, a row per curve, gap and label."""
    runs = joined.runs.assign(**at_the_cue(joined))
    columns = {
        "gradient at the cue, before": ("arrived_initial", "{:.1e}"),
        "after": ("arrived_trained", "{:.1e}"),
        "recoverable at the end": ("recovered", "{:.2f}"),
        "steps clipped": ("clipped_share", "{:.0%}"),
        "half-life, before": ("half_life_initial", "{:.3g}"),
        "after, median unit": ("half_life_trained", "{:.3g}"),
        "after, longest": ("longest_trained", "{:.3g}"),
        "score": ("score", "{:.2f}"),
    }
    rows = []
    for (task, label, gap, why), own in runs.groupby(["task", "label", "gap", "why"]):
        medians = [own[column].median() for column, _ in columns.values()]
        texts = [
            "" if pd.isna(value) else form.format(value)
            for value, (_, form) in zip(medians, columns.values(), strict=True)
        ]
        rows.append((str(task), str(label), str(why), str(gap), str(len(own)), *texts))
    header = ("task", "cell", "label", "gap", "runs", *columns)
    return Table(header, tuple(rows), names=3)


def at_the_cue(joined: Diagnoses) -> dict[str, pd.Series[float]]:
    """Return, for every run, gradient at the cue over that at lag 0, and what is recoverable."""
    curves, keys = joined.curves, joined.runs["run_id"]
    total = curves[(curves.measure == "gradient") & (curves.name == "total")]
    found = {}
    for phase in ("initial", "trained"):
        own = total[total.phase == phase]
        cue, end = (own[own[x] == 0].set_index("run_id")["value"] for x in ("age", "lag"))
        found[f"arrived_{phase}"] = keys.map(cue / end)
    told = curves[(curves.measure == "cue") & (curves.phase == "trained") & (curves.lag == 0)]
    found["recovered"] = keys.map(told.set_index("run_id")["value"])
    return found
