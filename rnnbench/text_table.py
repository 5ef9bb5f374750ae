"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def format_table(rows: Sequence[Sequence[str]], *, names: int) -> str:
    """Return rows as aligned text, the heading first.

    Args:
        rows: texts, as many in each row.
        names: how many of the columns are words, to the left; the rest are numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        places = enumerate(zip(row, widths, strict=True))
        lines.append([text.ljust(w) if i < names else text.rjust(w) for i, (text, w) in places])
    return "\n".join("  ".join(line).rstrip() for line in lines)
