"""Read all stored results of some places, and join what was measured of the same runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from rnnbench.plot.curves import have_tuned, label_variants, without_rate
from rnnbench.plot.measured import join, transfer_runs
from rnnbench.plot.summary import horizons, summarise
from rnnbench.store.diagnoses import Diagnoses, read_all_diagnoses
from rnnbench.store.frames import Loaded, load_all
from rnnbench.store.rules import LARGEST
from rnnbench.store.settings import curve_label
from rnnbench.store.tables import GUESSES, TRANSFER


@dataclass(frozen=True)
class Study:
    """Everything that figures, tables and sections draw on."""

    places: tuple[Path, ...]  # where the results lie
    results: pd.DataFrame  # labelled, one row per run whose rate its condition has now
    superseded: pd.DataFrame  # one row per run at a rate that tuning chose before
    history: pd.DataFrame  # one row per run and evaluation
    tuning: pd.DataFrame  # one row per tuned condition and learning rate of the grid
    by_gap: pd.DataFrame  # one row per curve and gap
    curves: pd.DataFrame  # one row per curve
    diagnoses: Diagnoses  # why runs forget, of those that were diagnosed
    transfer: pd.DataFrame  # one row per run and test gap, of those tested at other gaps
    guesses: pd.DataFrame  # one row per task, cell and gap at which random networks were tried
    baseline: str  # the cell that each is compared with, where cells are too many for all pairs

    def of_rates(self, tuned: bool) -> Study:
        """Return the study of the curves with tuned rates alone, or of those with given ones."""
        labels = self.results.loc[have_tuned(self.results) == tuned, ["task", "label"]]
        return self.only(pd.MultiIndex.from_frame(labels.drop_duplicates()))

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


class Refused(ValueError):
    """What was asked for is not there, or cannot go where it was to go."""


class Part(NamedTuple):
    """The tasks and cells that are reported, by name; all where none is named.

    Cells are shown in the order in which they are named. Of many each is compared with the baseline
    alone, where that was run.
    """

    tasks: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    baseline: str = "lstm"

    @property
    def is_whole(self) -> bool:
        return not (self.tasks or self.cells)

    def of(self, loaded: Loaded) -> Loaded:
        """Return what is loaded of these alone.

        Raises:
            Refused: there is no run of a task or cell.
        """
        results = loaded.results
        for column, asked in (("task", self.tasks), ("cell", self.cells)):
            check_known(f"{column}s", asked, results[column])
            results = results[results[column].isin(asked)] if asked else results
        if results.empty:
            names = ", ".join((*self.tasks, *self.cells))
            raise Refused(f"tasks and cells must have runs together, got {names}")
        if self.cells:  # in the order in which they are named, as a sweep's are in its own
            places = results["cell"].map(self.cells.index)
            results = results.iloc[places.argsort(kind="stable")]
        history = loaded.history[loaded.history["run_id"].isin(results["run_id"])]
        return loaded._replace(results=results, history=history)


ALL = Part()


def check_known(what: str, names: Iterable[str], there: Iterable[str]) -> None:
    """Check that names are among those that are there.

    Raises:
        Refused: one is not; those that are there are listed.
    """
    known = list(dict.fromkeys(map(str, there)))
    for name in names:
        if name not in known:
            raise Refused(f"{what} must be of {', '.join(known)}, got {name}")


def read_study(places: Sequence[Path], part: Part = ALL) -> Study:
    """Read the results of several places as one.

    Raises:
        FileNotFoundError: there is nothing at a place, or not one run in all of them.
        Refused: there is no run of a task or cell of the part.
    """
    loaded = load_all(places)
    if loaded.results.empty:
        raise FileNotFoundError(f"no runs at {', '.join(map(str, places))}")
    loaded = part.of(loaded)
    results, history, tuning = map(_bounded, loaded[:3])
    superseded = results[results["superseded"]]
    results = label_variants(loaded._replace(results=results))
    labels = pd.Categorical(results["label"], categories=labels_of(results), ordered=True)
    results = results.assign(label=labels)
    return Study(
        places=tuple(places),
        results=results,
        superseded=superseded,
        history=history,
        tuning=name_tuned(tuning, results),
        by_gap=summarise(results),
        curves=horizons(results),
        diagnoses=join(results, Diagnoses(*map(_bounded, read_all_diagnoses(places)))),
        transfer=transfer_runs(results, _bounded(TRANSFER.load(places))),
        guesses=latest(_bounded(GUESSES.load(places)), results),
        baseline=part.baseline,
    )


def labels_of(results: pd.DataFrame) -> list[str]:
    """Return the labels of labelled results in the order of their cells and variants."""
    curves = results.drop_duplicates(["cell", "variant"]).sort_values(["cell", "variant"])
    return list(dict.fromkeys(curves["label"]))


def name_tuned(tuning: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return the grids of tuning in the order of results, with the labels of untuned curves."""
    names = results[["condition_id", "cell", "variant"]].drop_duplicates("condition_id")
    pairs = zip(names["cell"], names["variant"].map(without_rate), strict=True)
    labelled = names[["condition_id"]].assign(label=[curve_label(*pair) for pair in pairs])
    return labelled.merge(tuning, on="condition_id")


def latest(guesses: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return the searches for what the results hold; of one point's, the one with most guesses."""
    point = ["task", "cell", "gap"]
    ordered = guesses.assign(score=guesses["score"].clip(0, 1))
    ordered = ordered.sort_values("guesses", kind="stable")
    known = ordered.merge(results[point].drop_duplicates().astype({"cell": str}), on=point)
    # In the order of the sweep's cells.
    known = known.assign(cell=known["cell"].astype(results["cell"].dtype))
    return known.drop_duplicates(point, keep="last").sort_values(point, ignore_index=True)


def _bounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose numbers can be averaged and drawn: huge ones are cut to LARGEST."""
    numbers = frame.select_dtypes("float64")
    huge = numbers.abs().gt(LARGEST).any()
    names = list(numbers.columns[huge])
    return frame.assign(**{name: frame[name].clip(-LARGEST, LARGEST) for name in names})
