"""Load stored records as data frames: runs, their histories, and the grids of tuning."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnnbench.console import warn
from rnnbench.store.manifest import read_manifest
from rnnbench.store.records import CONSOLIDATED, FIRST_SEEDS, Record, choice_rank, read_records
from rnnbench.store.schema import COLUMNS, MEASURES, RATE, RATE_LATER, RULES, object_at
from rnnbench.store.settings import Settings, curve_id, settings_of, without_tuning


class Columns:
    """Collects rows as columns, in little memory: a text that repeats is kept once."""

    def __init__(self, names: Iterable[str]) -> None:
        self.values: dict[str, list[Any]] = {name: [] for name in names}

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; a column that it lacks gets None."""
        for name, column in self.values.items():
            value = row.get(name)
            column.append(sys.intern(value) if type(value) is str else value)

    def frame(self, numbers: Iterable[str]) -> pd.DataFrame:
        """Return the rows, the columns of numbers as float64 with NaN for None."""
        is_empty = not any(self.values.values())
        frame = pd.DataFrame(self.values, dtype="object" if is_empty else None)
        return frame.astype(dict.fromkeys(numbers, "float64"))


class Histories:
    """Collects the evaluations of runs as arrays, in little memory."""

    def __init__(self) -> None:
        self.lengths = array("q")
        self.step = array("q")
        self.measures = {name: array("d") for name in MEASURES}

    def append(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Add all evaluations of the next run."""
        self.lengths.append(len(history))
        self.step.extend([row["step"] for row in history])
        for name, column in self.measures.items():
            values: list[Any] = [row.get(name) for row in history]
            if None in values:
                values = [np.nan if value is None else value for value in values]
            column.extend(values)

    def frame(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return one row per run and evaluation, the run's own columns before it.

        Args:
            runs: one row per run, in the order in which they were added.
        """
        places = np.repeat(np.arange(len(runs)), np.asarray(self.lengths))
        columns = {"step": self.step, **self.measures}
        evaluations = {name: np.array(values) for name, values in columns.items()}
        return runs.take(places).reset_index(drop=True).assign(**evaluations)


# The keys of each object in a record by their columns.
PLACES = {
    section: {name: key for name, (place, key, _) in COLUMNS.items() if place == section}
    for section in RULES
}
NUMBERS = [name for name, (_, _, kind) in COLUMNS.items() if kind == "float64"]
RUN_KEY = ["run_id", "task", "cell", "gap", "seed", "lr"]
KEPT = "task cell gap condition_id lr tuning environment".split()  # of a tuned condition
TUNED = [*KEPT[:4], "tuned_at", "chosen_lr", "learned", "at_edge"]
SHIPPED_CELLS = ("rnn", "lstm", "gru")  # as the shipped sweeps declare them
Paths = Path | str | Sequence[Path | str]


class Loaded(NamedTuple):
    """What `load_results` and `load_history` return, and the grids of tuning, from one reading.

    Attributes:
        curves: the settings of each curve, by its id.
        tuning: one row per tuned condition and learning rate that was tried for its latest choice.
            chosen_lr, learned, at_edge and tuned_at (gap) as in
            `rnnbench.experiment.tuning.Choice`; lr, score, steps, solved, dropped and seeds as in
            its entries.
    """

    results: pd.DataFrame
    history: pd.DataFrame
    tuning: pd.DataFrame
    curves: dict[str, Settings]


def load_results(path: Paths) -> pd.DataFrame:
    """Return one row per run; where there is none, a line on stderr says why.

    They are in the order of task, cell (as the sweep declares them), gap, rate and seed.

    Diverged and failed runs have loss NaN, the chance accuracy and score 0: they count in every
    mean.

    Every setting of task, cell, model and trainer is a column: `cell.shift`, `trainer.steps`, but
    for those that have a name of their own, as `hidden_size`. Runs of one `curve` differ in gap,
    seed and rate alone.

    Where distances vary from answer to answer, `accuracy_by_age` has the test accuracy at each one
    (a text, as in "20"): a curve from one run.

    Two columns say which rows are not to be counted beside all others. `same_as`: the run that is
    the very same training, where tuning chose the rate that another was given. `superseded`: true
    where a later choice of tuning gave the condition another rate.

    Args:
        path: a results directory, a consolidated file, or several of them.

    Raises:
        FileNotFoundError: there is nothing at a path.
    """
    return explained(load_all(path).results, path, "train")


def load_history(path: Paths) -> pd.DataFrame:
    """Return one row per run and evaluation; arguments as in `load_results`."""
    return explained(load_all(path).history, path, "train")


def explained(frame: pd.DataFrame, path: Paths, command: str) -> pd.DataFrame:
    """Return a frame; where it is empty, say on stderr what its places lack.

    Args:
        command: what would have filled the frame.
    """
    places = [path] if isinstance(path, Path | str) else path
    for place in places if frame.empty else ():
        warn(f"no rows: {_lack(Path(place), command)}")
    return frame


def _lack(place: Path, command: str) -> str:
    if not place.exists():
        return f"there is no {place}"
    runs = [*CONSOLIDATED, "runs"]
    below = sorted({path.parent.name for name in runs for path in place.glob(f"*/{name}")})
    if place.is_dir() and not any((place / name).exists() for name in runs):
        told = f", but {', '.join(below)} in it have" if below else ""
        return f"{place} is no results directory: it has no runs/ and no records.jsonl{told}"
    if command == "train":
        return f"{place} has no run that ended"
    return f"{place} has none: python -m rnnbench.{command} {place} makes them"


def load_all(path: Paths) -> Loaded:
    """Read everything once; arguments as in `load_results`."""
    runs, histories = Columns([*COLUMNS, "curve"]), Histories()
    curves: dict[str, Settings] = {}
    latest: dict[str, Record] = {}
    places = [path] if isinstance(path, Path | str) else path
    for record in read_records(*places):
        settings, identity = settings_of(record), record["condition_id"]
        curve = curve_id(settings)
        curves[curve] = settings
        runs.append(_row(record, settings) | {"curve": curve})
        histories.append(record["history"])
        if record.get("tuning"):
            kept = {name: record.get(name) for name in KEPT}
            latest[identity] = max(latest.get(identity, kept), kept, key=choice_rank)
    results = _with_settings(runs.frame(NUMBERS), curves)
    chosen = {identity: kept["lr"] for identity, kept in latest.items()}
    results = results.assign(
        same_as=_same_as(results, curves), superseded=_superseded(results, chosen)
    )
    cells = _cell_places(places, results)
    order = ["task", "cell", "gap", "lr", "seed"]
    ordered = results.sort_values(
        order,
        kind="stable",
        ignore_index=True,
        key=lambda column: column.map(cells) if column.name == "cell" else column,
    )
    return Loaded(ordered, histories.frame(results[RUN_KEY]), _tuning(latest.values()), curves)


def _superseded(results: pd.DataFrame, chosen: Mapping[str, float]) -> pd.Series[bool]:
    """Return of each run whether its rate is none that its condition has now, by id."""
    now = results["condition_id"].map(chosen)
    return now.notna() & (now != results["lr"])


def _same_as(results: pd.DataFrame, curves: Mapping[str, Settings]) -> pd.Series[str]:
    """Return of each tuned run which one is the same training, its rate given; None where none is.

    Records from before these were trained once do not tell: there settings, seed and rate do.
    """
    done = results[results["status"] != "failed"]
    given = done[done["lr_choice"] != "tuned"]
    trained = dict(zip(_trainings(given, given["curve"]), given["run_id"], strict=True))
    untuned = {curve: curve_id(without_tuning(own)) for curve, own in curves.items()}
    tuned = done[done["lr_choice"] == "tuned"]
    found = [trained.get(key) for key in _trainings(tuned, tuned["curve"].map(untuned))]
    twins = pd.Series(found, tuned.index, dtype="object").reindex(results.index)
    told = results["same_as"].astype("object")
    told = told.where(told.notna(), twins)
    return told.where(told.notna(), None)


def _trainings(runs: pd.DataFrame, curves: pd.Series[str]) -> Iterator[tuple[Any, ...]]:
    """Return what two runs have alike that are the same training."""
    return zip(curves, runs["gap"], runs["seed"], runs["lr"], strict=True)


def _cell_places(places: Iterable[Path | str], results: pd.DataFrame) -> dict[str, int]:
    """Return the place of each cell: as the sweeps declare them, then as it is shipped, by name."""
    sweeps = [read_manifest(place) for place in places if Path(place).is_dir()]
    declared = (entry["cell"] for sweep in sweeps for entry in sweep.values())
    cells = dict.fromkeys([*declared, *SHIPPED_CELLS, *sorted(results["cell"].unique())])
    return {cell: place for place, cell in enumerate(cells)}


def _with_settings(results: pd.DataFrame, curves: Mapping[str, Settings]) -> pd.DataFrame:
    """Return the results with a column for each setting that has no other."""
    names = sorted({name for settings in curves.values() for name in settings if "." in name})
    columns = {
        name: results["curve"].map({curve: own.get(name) for curve, own in curves.items()})
        for name in names
    }
    return results.assign(**columns)


def _row(record: Record, settings: Settings) -> Record:
    row: Record = {}
    for place, keys in PLACES.items():
        if found := object_at(record, place):
            row.update(zip(keys, map(found.get, keys.values()), strict=True))
    return row | {name: settings[name] for name in ("lr_choice", "gap_schedule", "optimizer")}


def _tuning(tuned: Iterable[Record]) -> pd.DataFrame:
    """Return the grids of tuned conditions, from a record of each."""
    rows = []
    for record in tuned:
        choice = record["tuning"]
        own = {**choice, **record, "chosen_lr": choice["lr"], "seeds": FIRST_SEEDS}
        own["tuned_at"] = choice.get("gap", record["gap"])
        rows += [{**own, **entry} for entry in choice["grid"]]
    order = ["task", "cell", "gap", "lr"]
    columns = [*TUNED, *RATE, *RATE_LATER]
    return pd.DataFrame(rows, columns=columns).sort_values(order, ignore_index=True)
