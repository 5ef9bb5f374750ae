"""Read all stored results of some places, and join what was measured of the same runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from rnnbench.plot.curves import label_variants, without_rate
from rnnbench.plot.measured import join, transfer_runs
from rnnbench.plot.summary import horizons, summarise
from rnnbench.store.diagnoses import Diagnoses, read_all_diagnoses
from rnnbench.store.frames import load_all
from rnnbench.store.rules import LARGEST
from rnnbench.store.settings import curve_label
from rnnbench.store.tables import GUESSES, TRANSFER


@dataclass(frozen=True)
class Study:
    """Everything that figures, tables and sections draw on."""

    places: tuple[Path, ...]  # where the results lie
    results: pd.DataFrame  # labelled, one row per run
    history: pd.DataFrame  # one row per run and evaluation
    tuning: pd.DataFrame  # one row per tuned condition and learning rate of the grid
    by_gap: pd.DataFrame  # one row per curve and gap
    curves: pd.DataFrame  # one row per curve
    diagnoses: Diagnoses  # why runs forget, of those that were diagnosed
    transfer: pd.DataFrame  # one row per run and test gap, of those tested at other gaps
    guesses: pd.DataFrame  # one row per task, cell and gap at which random networks were tried

    def only(self, kept: pd.Index) -> Study:
        """Return the study of some tasks, or of some curves (task, label), for a figure of these.

        What is not of a task or a curve stays, and so do all diagnosed runs, so that colours do.
        """

        def part(frame: pd.DataFrame) -> pd.DataFrame:
            return frame[frame.set_index(["task", "label"][: kept.nlevels]).index.isin(kept)]

        return replace(
            self,
            results=part(self.results),
            by_gap=part(self.by_gap),
            diagnoses=self.diagnoses._replace(curves=part(self.diagnoses.curves)),
            transfer=part(self.transfer),
        )


def read_study(places: Sequence[Path]) -> Study:
    """Read the results of several places as one.

    Raises:
        FileNotFoundError: there is nothing at a place, or not one run in all of them.
    """
    loaded = load_all(places)
    if loaded.results.empty:
        raise FileNotFoundError(f"no runs at {', '.join(map(str, places))}")
    results, history, tuning = map(_bounded, loaded[:3])
    results = label_variants(loaded._replace(results=results))
    return Study(
        places=tuple(places),
        results=results,
        history=history,
        tuning=name_tuned(tuning, results),
        by_gap=summarise(results),
        curves=horizons(results),
        diagnoses=join(results, Diagnoses(*map(_bounded, read_all_diagnoses(places)))),
        transfer=transfer_runs(results, _bounded(TRANSFER.load(places))),
        guesses=latest(_bounded(GUESSES.load(places)), results),
    )


def name_tuned(tuning: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return the grids of tuning with the labels that their curves would have untuned."""
    names = results[["condition_id", "cell", "variant"]].drop_duplicates("condition_id")
    pairs = zip(names["cell"], names["variant"].map(without_rate), strict=True)
    labelled = names[["condition_id"]].assign(label=[curve_label(*pair) for pair in pairs])
    return tuning.merge(labelled, on="condition_id")


def latest(guesses: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return the searches for what the results hold; of one point's, the one with most guesses."""
    point = ["task", "cell", "gap"]
    ordered = guesses.assign(score=guesses["score"].clip(0, 1))
    ordered = ordered.sort_values("guesses", kind="stable")
    known = ordered.merge(results[point].drop_duplicates(), on=point)
    return known.drop_duplicates(point, keep="last").sort_values(point, ignore_index=True)


def _bounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose numbers can be averaged and drawn: huge ones are cut to LARGEST."""
    numbers = frame.select_dtypes("float64")
    huge = numbers.abs().gt(LARGEST).any()
    names = list(numbers.columns[huge])
    return frame.assign(**{name: frame[name].clip(-LARGEST, LARGEST) for name in names})
