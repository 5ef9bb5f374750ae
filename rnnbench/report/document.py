"""Describe a report as a list of blocks, before it is Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, compress, count
from typing import TYPE_CHECKING

import pandas as pd

from rnnbench.report.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

# What of the report's other files has a figure's numbers.
DATA: Mapping[str, tuple[str, ...]] = {
    "horizons": ("summary.csv", "horizons.tex"),
    "accuracy_vs_gap": ("by_gap.csv",),
    "score_vs_gap": ("by_gap.csv", "scores.tex"),
    "solving_curves": ("by_gap.csv",),
}
MOST_PANELS = 32  # three tasks with ten gaps each; hundreds would take minutes, and be read by none


@dataclass(frozen=True)
class Heading:
    """A section's title.

    Attributes:
        level: 1 of the whole report, 2 of its sections, 3 below.
        apart: the name of the Markdown file that a long section has to itself, without ending.
    """

    text: str
    level: int = 2
    apart: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A few sentences; small ones are beside the point."""

    text: str
    is_small: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of short statements."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Statements:
    """A list of sentences, each on what is named before it."""

    pairs: tuple[tuple[str, str], ...]


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

    def without_empty_columns(self) -> Table:
        """Return the table without the columns in which no row has a text."""
        full = [any(row[place] for row in self.rows) for place in range(len(self.header))]
        header, *rows = (tuple(compress(row, full)) for row in (self.header, *self.rows))
        return Table(header, tuple(rows), self.names)


@dataclass(frozen=True)
class Figure:
    """A picture, what it shows, and how it is drawn."""

    name: str  # of its files, without their ending
    caption: str
    # Of a study, and what rnnbench.plot takes: `size`, "text" unless told, `labels`, `palette`.
    draw: Callable[..., Drawing]
    rows: Callable[[Study], pd.Series[int]]  # panels by task, or by curve (task, label)

    @property
    def data(self) -> tuple[str, ...]:
        """Return the report's files that have the figure's numbers."""
        return DATA.get(self.name, ())

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


Block = Heading | Paragraph | Bullets | Statements | Table | Figure


def sections(blocks: Iterable[Block]) -> list[list[Block]]:
    """Return the blocks by sections: what precedes the first one, then each with its title."""
    parts: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Heading) and block.level == 2:
            parts.append([])
        parts[-1].append(block)
    return parts


def anchors(texts: Iterable[str]) -> list[str]:
    """Return a name for every text, made of its words; no two are the same."""
    found: list[str] = []
    for text in texts:
        base = "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "section"
        names = chain([base], (f"{base}-{number}" for number in count(2)))
        found.append(next(name for name in names if name not in found))
    return found


def one_panel_each(names: Iterable[str | tuple[str, str]]) -> pd.Series[int]:
    """Return the rows of a figure that has one panel for each task, or each curve."""
    return pd.Series(1, index=pd.Index([*names]))
