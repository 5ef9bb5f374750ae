"""Write a report as Markdown, its long sections in files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rnnbench.report.document import (
    Block,
    Bullets,
    Figure,
    Heading,
    Paragraph,
    Statements,
    Table,
    sections,
)

# Underscores inside a word, a lone "<" or "&" and a colon are text in Markdown; the rest would be
# markup, a formula, a character by its name, or an address that becomes a link.
MARKDOWN_SPECIAL = re.compile(
    r"([\\`*\[\]|#~$]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=[A-Za-z#])|:(?=//)|(?<=www)\.)",
    re.IGNORECASE,
)


def markdown_files(blocks: Iterable[Block]) -> dict[str, str]:
    """Return the files of the report's text: report.md, and those of sections that lie apart.

    Of such a section report.md has the title, its first paragraph and a link.
    """
    files, parts = {}, []
    for section in sections(blocks):
        title = section[0] if section else None
        if isinstance(title, Heading) and title.apart:
            name = f"{title.apart}.md"
            files[name] = to_markdown([Heading(title.text, level=1), *section[1:]])
            parts.append(
                f"{to_markdown(section[:2])}\n[{name}]({name}) has the figures and tables.\n"
            )
        elif section:
            parts.append(to_markdown(section))
    return {"report.md": "\n".join(parts), **files}


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
        case Statements(pairs):
            return "\n".join(f"- **{_escape(name)}** {_escape(text)}" for name, text in pairs)
        case Figure(name, caption):
            data = "".join(f" [{file}]({file})" for file in block.data)
            return f"![{name.replace('_', ' ')}]({name}.png)\n\n*{_escape(caption)}*{data}"
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
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))
