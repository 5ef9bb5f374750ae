"""A report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Picture, Table

# Underscores inside a word, a lone "<" or "&" and a colon are text in Markdown; the rest would be
# markup, a formula, a character by its name, or an address that becomes a link.
SPECIAL = re.compile(
    r"([\\`*\[\]|#~$]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=[A-Za-z#])|:(?=//)|(?<=www)\.)",
    re.IGNORECASE,
)


def to_markdown(blocks: Iterable[Block]) -> str:
    """Return the report's text; pictures are linked as the PNG files beside it."""
    return "\n\n".join(_write(block) for block in blocks) + "\n"


def _write(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_escape(text)}"
        case Paragraph(text):
            return _escape(text)
        case Bullets(texts):
            return "\n".join(f"- {_escape(text)}" for text in texts)
        case Picture(name, caption):
            return f"![{name.replace('_', ' ')}]({name}.png)\n\n*{_escape(caption)}*"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    rows = [[_escape(text) for text in row] for row in (table.header, *table.rows)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * w if i < table.names else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines = [_line(row, widths, table.names) for row in rows]
    return "\n".join([lines[0], _line(rule, widths, table.names), *lines[1:]])


def _line(texts: Sequence[str], widths: Sequence[int], names: int) -> str:
    cells = [
        text.ljust(width) if place < names else text.rjust(width)
        for place, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Keep a text from a file on one line and from being read as markup."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
