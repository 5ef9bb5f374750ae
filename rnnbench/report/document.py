"""Describe a report as a list of blocks, before it is Markdown or HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from rnnbench.report.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

MOST_PANELS = 32  # three tasks with ten gaps each; hundreds would take minutes, and be read by none


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of short statements."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header; the first `names` columns are text, the others numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1

    @classmethod
    def of(cls, frame: pd.DataFrame, columns: Mapping[str, str], names: int) -> Table:
        """Return a row per row of a frame; `columns` has a format of its columns by header."""
        rows = frame.to_dict("records")
        texts = (tuple(form.format_map(row) for form in columns.values()) for row in rows)
        return cls(tuple(columns), tuple(texts), names)


@dataclass(frozen=True)
class Figure:
    """A picture, what it shows, and how it is drawn."""

    name: str  # of its files, without their ending
    caption: str
    draw: Callable[..., Drawing]  # of a study, and a `size` of rnnbench.plot: "text" unless told
    rows: Callable[[Study], pd.Series[int]]  # panels by task, or by curve (task, label)

    def fit(self, study: Study) -> tuple[Study, str]:
        """Return the first tasks or curves that have room, and what is left out in words.

        A task is drawn whole or not at all; the first one always is.
        """
        rows = self.rows(study)
        kept = rows.index[: max(1, int((rows.cumsum() <= MOST_PANELS).sum()))]
        left_out = len(rows) - len(kept)
        if not left_out:
            return study, ""
        what = "curves" if kept.nlevels > 1 else "tasks"
        return study.only(kept), f"{left_out} of {len(rows)} {what}"


Block = Heading | Paragraph | Bullets | Table | Figure


def one_panel_each(names: Iterable[str | tuple[str, str]]) -> pd.Series[int]:
    """Return the rows of a figure that has one panel for each task, or each curve."""
    return pd.Series(1, index=pd.Index([*names]))
