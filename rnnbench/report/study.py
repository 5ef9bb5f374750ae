"""What a report is made of: stored results, read once, and what is worked out from them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnbench.diagnose import Diagnoses, load_diagnosis
from rnnbench.guess.table import load_guesses
from rnnbench.report.diagnosis_data import join
from rnnbench.report.guessing import latest
from rnnbench.report.summary import horizons, summarise
from rnnbench.report.transfer import transfer_runs
from rnnbench.report.variants import label_variants
from rnnbench.results import load_all
from rnnbench.rules import LARGEST
from rnnbench.transfer.table import load_transfer


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
