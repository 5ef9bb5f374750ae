"""Which of the stored records a command is about."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.records import Record


class NothingToDo(ValueError):
    """There is nothing stored that could be measured; the text is one line."""


def chosen(records: list[Record], key: str, values: Sequence[object] | None) -> list[Record]:
    """Return the records whose task, cell or gap (the key) is among the values; all where None.

    Raises:
        NothingToDo: no record has such a value.
    """
    known = sorted({record[key] for record in records})
    for value in values or ():
        if value not in known:
            raise NothingToDo(f"{key} must be one of {', '.join(map(str, known))}, got {value}")
    return [record for record in records if values is None or record[key] in values]
