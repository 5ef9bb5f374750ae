"""Store what is measured of trained runs as rows of a CSV file beside their records."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rnnbench.console import message_of, warn
from rnnbench.store.files import read_table, write_atomically
from rnnbench.store.frames import Paths, explained
from rnnbench.store.rules import ABOVE_0, NAME, SHARE, Rule, Rules, check_fields, whole

Row = dict[str, Any]
CONVERT: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int64": int,
    "float64": lambda text: float(text) if text else math.nan,
}
# What a field of a kind must be, where nothing more is known of it.
KINDS: Rules = {
    "str": NAME,
    "int64": whole(0),
    "float64": Rule("a finite number, or empty", lambda value: not math.isinf(value)),
}


class RowFile:
    """Reads and writes CSV files of one kind; numbers come back bitwise, NaN is an empty field.

    Attributes:
        name: of the file.
        columns: their types by name, in their order.
        rules: of columns of which more is known than their type.
        key: what a row is known by; of two alike the later one counts.
        order: of the rows, whatever order they came in.
    """

    def __init__(
        self, name: str, columns: Mapping[str, str], key: str, order: str, rules: Rules
    ) -> None:
        self.name = name
        self.columns = {each: kind for names, kind in columns.items() for each in names.split()}
        self.rules = {each: KINDS[kind] for each, kind in self.columns.items()} | dict(rules)
        self.key, self.order = key.split(), order.split()

    def path(self, place: Path | str) -> Path:
        """Return where the file lies: in a results directory, or beside a consolidated file."""
        place = Path(place)
        return (place.parent if place.is_file() else place) / self.name

    def load(self, places: Path | str | Iterable[Path | str]) -> pd.DataFrame:
        """Return the rows of one or several places, each row once; none where there is no file.

        A file that cannot be read is named and passed over.
        """
        given = [places] if isinstance(places, Path | str) else places
        return self._join([self._read(self.path(place)) for place in given])

    def add(self, place: Path | str, rows: Sequence[Row]) -> None:
        """Add rows to a directory's file, all at once or not at all."""
        path = self.path(place)
        self._write(path, self._join([self._read(path), self._frame(rows)]))

    def remove(self, place: Path | str, run_ids: Collection[str]) -> None:
        """Remove the rows of some runs from a directory's file."""
        rows = self.load(place)
        kept = rows[~rows["run_id"].isin(run_ids)]
        if len(kept) < len(rows):
            self._write(self.path(place), kept)

    def copy(self, source: Path | str, destination: Path | str) -> None:
        """Write the rows of one place, if it has any, as the file of another."""
        rows = self.load(source)
        if not rows.empty:
            self._write(self.path(destination), rows)

    def _write(self, path: Path, rows: pd.DataFrame) -> None:
        write_atomically(path, rows.to_csv(index=False, lineterminator="\n").encode())

    def _read(self, path: Path) -> pd.DataFrame:
        if not path.exists():
            return self._frame([])
        try:
            return self._frame([self._convert(row) for row in read_table(path, self.columns)])
        except (OSError, ValueError) as error:
            warn(f"{path} is passed over: {message_of(error)}")
            return self._frame([])

    def _convert(self, row: Mapping[str, str]) -> Row:
        """Return the fields of a row as what they are; pandas would round some numbers."""
        found = {name: CONVERT[kind](row[name]) for name, kind in self.columns.items()}
        check_fields(found, self.rules, {}, "a row")
        return found

    def _frame(self, rows: Sequence[Row]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=list(self.columns)).astype(self.columns)

    def _join(self, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """Return the rows of all, repeated ones once, in order."""
        filled = [frame for frame in frames if not frame.empty] or [self._frame([])]
        frame = pd.concat(filled).drop_duplicates(self.key, keep="last")
        return frame.sort_values([*self.order, *self.key], ignore_index=True)


TRANSFER = RowFile(
    "transfer.csv",
    {
        "run_id condition_id task cell": "str",
        "seed": "int64",
        "lr": "float64",
        "gap test_gap": "int64",
        "loss accuracy score chance_accuracy": "float64",
        "engine device": "str",
    },
    key="run_id test_gap",
    rules={"lr": ABOVE_0, "gap": whole(1), "test_gap": whole(1), "chance_accuracy": SHARE},
    order="task cell gap lr seed run_id test_gap",
)


def load_transfer(path: Paths) -> pd.DataFrame:
    """Return one row per run and test gap: what `python -m rnnbench.transfer` has measured.

    Columns: `run_id, condition_id, task, cell, seed, lr, gap` (of training), `test_gap, loss,
    accuracy, score, chance_accuracy` (at the test gap), `engine, device`. A diverged run, and one
    whose loss at a test gap is not finite, has loss NaN, the chance accuracy and score 0.

    Args:
        path: a results directory, a consolidated file with `transfer.csv` beside it, or several
            of them; without such a file there are no rows.
    """
    return explained(TRANSFER.load(path), path, "transfer")


GUESSES = RowFile(
    "guesses.csv",
    {
        "search_id task cell": "str",
        "gap num_layers directions": "int64",
        "hidden_sizes": "str",
        "guesses solved": "int64",
        "first_solved": "float64",
        "best_guess best_hidden_size": "int64",
        "best_scale evaluation_accuracy evaluation_score": "float64",
        "loss accuracy score chance_accuracy": "float64",
        "engine": "str",
    },
    key="search_id",
    rules={
        "gap": whole(1),
        "guesses": whole(1),
        "chance_accuracy": SHARE,
        "hidden_sizes": Rule(
            "whole numbers with spaces between them",
            lambda text: re.fullmatch(r"[1-9]\d{0,9}( [1-9]\d{0,9})*", text, re.ASCII) is not None,
        ),
    },
    order="task cell gap guesses",
)


def load_guesses(path: Paths) -> pd.DataFrame:
    """Return one row per search: what `python -m rnnbench.guess` has found.

    Columns: `search_id, task, cell, gap, num_layers, directions, hidden_sizes` (tried in turn),
    `guesses`, `solved` (guesses that solve the task), `first_solved` (the first of them, from 1;
    NaN where none did: then it is more than `guesses`), `best_guess` (from 1) with its
    `best_hidden_size` and `best_scale` (its weights are uniform within it),
    `evaluation_accuracy, evaluation_score` (on which it was chosen), `loss, accuracy, score` (on
    the test stream, on which nothing was chosen), `chance_accuracy, engine`. The argument is as in
    `load_transfer`, with `guesses.csv` in place of `transfer.csv`.
    """
    return explained(GUESSES.load(path), path, "guess")
