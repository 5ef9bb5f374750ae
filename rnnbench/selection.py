"""Which of the stored records a command is about."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.records import Record


class NothingToDo(ValueError):
    """There is nothing stored that could be measured; the text is one line."""


def chosen(records: list[Record], key: str, names: Sequence[str] | None) -> list[Record]:
    """Return the records whose task or cell (the key) is among the names; all where None.

    Raises:
        NothingToDo: no record has such a name.
    """
    known = sorted({record[key] for record in records})
    for name in names or ():
        if name not in known:
            raise NothingToDo(f"{key} must be one of {', '.join(known)}, got {name}")
    return [record for record in records if names is None or record[key] in names]
