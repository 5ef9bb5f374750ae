"""Measurements beside the records of a directory: one CSV file, whole at any time."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rnnbench.errors import message_of, warn
from rnnbench.records import write_atomically
from rnnbench.rules import NAME, Rule, Rules, check_fields, whole
from rnnbench.within import read_file

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
    """A kind of file of rows; numbers come back bitwise as written, NaN is an empty field.

    Attributes:
        name: of the file.
        columns: their names and types.
        rules: of columns of which more is known than their type.
        key: what a row is known by; of two alike the later one counts.
        order: of the rows, whatever order they came in.
    """

    def __init__(
        self,
        name: str,
        columns: Mapping[str, str],
        *,
        key: Sequence[str],
        order: Sequence[str],
        rules: Rules | None = None,
    ) -> None:
        self.name, self.columns = name, dict(columns)
        self.rules = {name: KINDS[kind] for name, kind in columns.items()} | dict(rules or {})
        self.key, self.order = list(key), list(order)

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
            reader = csv.DictReader(io.StringIO(read_file(path).decode(), newline=""))
            missing = self.columns.keys() - (reader.fieldnames or self.columns.keys())
            if missing:
                raise ValueError(f"it must have the columns {', '.join(sorted(missing))}")
            return self._frame([self._convert(row) for row in reader])
        except (OSError, ValueError, TypeError, csv.Error) as error:
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
