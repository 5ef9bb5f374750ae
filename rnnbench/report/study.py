"""What the report draws of stored diagnoses: those of its own runs, under its curves' names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnbench.report.curves import CURVE, label_variants
from rnnbench.report.figures.style import SHIPPED
from rnnbench.report.sections.guessing import latest
from rnnbench.report.sections.transfer import transfer_runs
from rnnbench.report.summary import horizons, summarise
from rnnbench.statistics import HORIZON
from rnnbench.store.diagnoses import Diagnoses, load_diagnosis
from rnnbench.store.frames import load_all
from rnnbench.store.rules import LARGEST
from rnnbench.store.tables import load_guesses, load_transfer

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


@dataclass(frozen=True)
class Study:
    """Everything that figures, tables and sections draw on.

    Attributes:
        places: where the results lie.
        results: labelled, one row per run.
        history: one row per run and evaluation.
        tuning: one row per tuned condition and learning rate of the grid.
        by_gap: one row per curve and gap.
        curves: one row per curve.
        diagnoses: why runs forget, of those that were diagnosed.
        transfer: one row per run and test gap, of those that were tested at other gaps.
        guesses: one row per task, cell and gap at which random networks were tried.
    """

    places: tuple[Path, ...]
    results: pd.DataFrame
    history: pd.DataFrame
    tuning: pd.DataFrame
    by_gap: pd.DataFrame
    curves: pd.DataFrame
    diagnoses: Diagnoses
    transfer: pd.DataFrame
    guesses: pd.DataFrame


def read_study(places: Sequence[Path]) -> Study:
    """Read the results of several places as one.

    Raises:
        FileNotFoundError: there is nothing at a place, or not one run in all of them.
    """
    results, history, tuning = load_all(places)
    if results.empty:
        raise FileNotFoundError(f"no runs at {', '.join(map(str, places))}")
    results, history, tuning = (_bounded(frame) for frame in (results, history, tuning))
    results = label_variants(results)
    by_gap, curves = summarise(results), horizons(results)
    return Study(
        *(tuple(places), results, history, tuning, by_gap, curves),
        diagnoses=join(results, Diagnoses(*map(_bounded, load_diagnosis(places)))),
        transfer=transfer_runs(results, _bounded(load_transfer(places))),
        guesses=latest(_bounded(load_guesses(places)), results),
    )


def _bounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose numbers can be averaged and drawn: huge ones are cut to LARGEST."""
    numbers = frame.select_dtypes("float64")
    huge = numbers.abs().gt(LARGEST).any()
    names = list(numbers.columns[huge])
    return frame.assign(**{name: frame[name].clip(-LARGEST, LARGEST) for name in names})
