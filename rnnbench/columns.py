"""Rows that come one after the other, kept as columns: many of them in little memory."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd


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
