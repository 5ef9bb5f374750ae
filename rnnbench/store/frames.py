"""Rows that come one after the other, kept as columns: many of them in little memory."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnnbench.store.records import Record, read_places


class Columns:
    """Columns of any values; a text that repeats is kept once."""

    def __init__(self, names: Iterable[str]) -> None:
        self.values: dict[str, list[Any]] = {name: [] for name in names}

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; a column that it lacks gets None."""
        for name, column in self.values.items():
            value = row.get(name)
            column.append(sys.intern(value) if type(value) is str else value)

    def frame(self, numbers: Iterable[str] = ()) -> pd.DataFrame:
        """Return the rows, the columns of numbers as float64 with NaN for None."""
        own = [name for name in numbers if name in self.values]
        rows = len(next(iter(self.values.values()), ()))
        frame = pd.DataFrame(self.values, dtype=None if rows else "object")
        return frame.astype(dict.fromkeys(own, "float64"))


class Histories:
    """The evaluations of many runs, of which each may have any number."""

    def __init__(self) -> None:
        self.lengths = array("q")
        self.step = array("q")
        self.measures = {name: array("d") for name in ("loss", "accuracy", "score", "grad_norm")}

    def append(self, history: Iterable[Mapping[str, Any]]) -> None:
        """Add all evaluations of the next run."""
        before = len(self.step)
        for row in history:
            self.step.append(row["step"])
            for name, column in self.measures.items():
                value = row.get(name)
                column.append(np.nan if value is None else value)
        self.lengths.append(len(self.step) - before)

    def frame(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return one row per run and evaluation, the run's own columns before it.

        Args:
            runs: one row per run, in the order in which they were added.
        """
        places = np.repeat(np.arange(len(runs)), np.asarray(self.lengths))
        columns = {"step": self.step, **self.measures}
        evaluations = {name: np.array(values) for name, values in columns.items()}
        return runs.take(places).reset_index(drop=True).assign(**evaluations)


COLUMNS = (
    "task cell gap seed lr hidden_size num_parameters state_size batch_size steps loss accuracy "
    "score chance_accuracy chance_loss status steps_to_solve seconds sequences_per_second engine "
    "device dtype run_id condition_id version sequence_length load_bits plateaus init keep_bias "
    "sweep error num_layers directions least_distance greatest_distance clipped_steps"
).split()
TUNING_COLUMNS = ["task", "cell", "gap", "condition_id", "chosen_lr", "learned", "at_edge"]
TUNING_COLUMNS += ["lr", "score", "steps", "solved", "dropped"]
# Settings of the trainer that part curves, and what they were before they could be set.
TRAINER = {"optimizer": "adam", "clip_norm": None, "clip_value": None, "train_set_size": None}
# Raised when the numbers of what they belong to change.
VERSIONS = {f"{part}_version": part for part in ("task", "cell", "model", "trainer")}
# Where a run comes from.
ENVIRONMENT = "python torch platform cpu cores threads gpu git_commit started".split()
RESULT_COLUMNS = [*COLUMNS, "lr_choice", "gap_schedule", *TRAINER, *VERSIONS, "command"]
RESULT_COLUMNS += ENVIRONMENT
RUN_KEY = ["run_id", "task", "cell", "gap", "seed", "lr"]
NUMBERS = ["loss", "accuracy", "score", "steps_to_solve", "load_bits", "keep_bias", "seconds"]
NUMBERS += ["sequences_per_second", "lr", "clip_norm", "clip_value", "train_set_size"]
NUMBERS += [*VERSIONS, "least_distance", "greatest_distance", "clipped_steps"]
Paths = Path | str | Sequence[Path | str]


class Loaded(NamedTuple):
    """All that is stored, from one reading: as the three functions below return it."""

    results: pd.DataFrame
    history: pd.DataFrame
    tuning: pd.DataFrame


def load_results(path: Paths) -> pd.DataFrame:
    """Return one row per run.

    Diverged and failed runs have loss NaN, the chance accuracy and score 0: they count in every
    mean.

    Args:
        path: a results directory, a consolidated file, or several of them.

    Raises:
        FileNotFoundError: there is nothing at a path.
    """
    columns = Columns(RESULT_COLUMNS)
    for record in _records(path):
        columns.append(_row(record))
    return _ordered(columns.frame(NUMBERS))


def load_history(path: Paths) -> pd.DataFrame:
    """Return one row per run and evaluation; arguments as in `load_results`."""
    runs, histories = Columns(RUN_KEY), Histories()
    for record in _records(path):
        runs.append(record)
        histories.append(record["history"])
    return histories.frame(runs.frame(NUMBERS))


def load_tuning(path: Paths) -> pd.DataFrame:
    """Return one row per tuned condition and learning rate of the grid.

    Columns: task, cell, gap, condition_id; chosen_lr, learned and at_edge as in
    `rnnbench.experiment.tuning.Choice`; lr, score, steps, solved and dropped as in its entries.
    """
    return _tuning({r["condition_id"]: _tuned(r) for r in _records(path) if r.get("tuning")})


def load_all(path: Paths) -> Loaded:
    """Read everything once; arguments as in `load_results`."""
    columns, histories = Columns(RESULT_COLUMNS), Histories()
    tuned: dict[str, Record] = {}
    for record in _records(path):
        columns.append(_row(record))
        histories.append(record["history"])
        if record.get("tuning"):
            tuned[record["condition_id"]] = _tuned(record)
    runs = columns.frame(NUMBERS)
    return Loaded(_ordered(runs), histories.frame(runs[RUN_KEY]), _tuning(tuned))


def _row(record: Record) -> Record:
    config = record.get("config", {})
    trainer = config.get("trainer", {})
    choice = {
        "lr_choice": "tuned" if config.get("tuned") else "given",
        "gap_schedule": config.get("task", {}).get("gap_schedule", "fixed"),
    }
    trained = {name: trainer.get(name, default) for name, default in TRAINER.items()}
    numbers = record.get("versions", {})
    versions = {name: numbers.get(part) for name, part in VERSIONS.items()}
    environment = record.get("environment", {})
    origin = {name: environment.get(name) for name in ENVIRONMENT}
    return {**origin, **record, **choice, **trained, **versions}


def _ordered(runs: pd.DataFrame) -> pd.DataFrame:
    order = ["task", "cell", "gap", "lr", "seed"]
    return runs.sort_values(order, kind="stable", ignore_index=True)


def _tuned(record: Record) -> Record:
    return {name: record[name] for name in ("task", "cell", "gap", "condition_id", "tuning")}


def _tuning(tuned: dict[str, Record]) -> pd.DataFrame:
    """Return the grids of tuned conditions, by the condition's id."""
    rows = [
        {
            **{name: record[name] for name in ("task", "cell", "gap", "condition_id")},
            **{"chosen_lr": record["tuning"]["lr"]},
            **{name: record["tuning"][name] for name in ("learned", "at_edge")},
            **entry,
        }
        for record in tuned.values()
        for entry in record["tuning"]["grid"]
    ]
    order = ["task", "cell", "gap", "lr"]
    return pd.DataFrame(rows, columns=TUNING_COLUMNS).sort_values(order, ignore_index=True)


def _records(path: Paths) -> Iterator[Record]:
    return read_places([path] if isinstance(path, Path | str) else path)
