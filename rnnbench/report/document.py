"""A report as a list of blocks, before it is Markdown or HTML."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True)
class Picture:
    """A figure, by the name of its files without their ending."""

    name: str
    caption: str


Block = Heading | Paragraph | Bullets | Table | Picture
