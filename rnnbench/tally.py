"""How the runs of a sweep stand: counted by kind for each task and cell, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tally:
    """Counts, and a line for what is behind the bad ones.

    Attributes:
        counts: runs by kind, for each (task, cell); `failed` and `left` are not done.
        failures: one line for each condition with failed runs.
    """

    counts: Mapping[tuple[str, str], Counter[str]]
    failures: tuple[str, ...]

    @property
    def total(self) -> Counter[str]:
        return sum(self.counts.values(), Counter())

    @property
    def complete(self) -> bool:
        return not self.total["failed"] and not self.total["left"]

    def table(self, kinds: Sequence[str]) -> str:
        """Return the counts of these kinds as text, a row per task and cell and one for all."""
        rows = [*self.counts.items(), (("all", ""), self.total)]
        cells = [(task, cell, *(str(row[kind]) for kind in kinds)) for (task, cell), row in rows]
        return _aligned([("task", "cell", *kinds), *cells], names=2)

    def failure_lines(self) -> list[str]:
        """Return what failed, as it is shown below the table."""
        return [f"failed: {failure}" for failure in self.failures]


def _aligned(rows: Sequence[Sequence[str]], *, names: int) -> str:
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
