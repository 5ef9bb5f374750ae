"""What came of all faults, by kind: as a table, as a file, and in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("injected", "survived", "lost", "wrong", "seconds")


@dataclass(frozen=True)
class Outcome:
    """What came of one fault.

    Attributes:
        kind: its name.
        number: which of its kind.
        seconds: that its runs took.
        lost: see `tests.faults.verdict`.
        wrong: likewise.
        missed: why it did not come about; it is not counted then.
    """

    kind: str
    number: int
    seconds: float
    lost: Sequence[str] = ()
    wrong: Sequence[str] = ()
    missed: str | None = None

    def lines(self, seed: int) -> Iterator[str]:
        """Yield what is told of a fault at once: nothing, if it was survived."""
        if self.missed:
            yield f"{self.kind} {self.number} is not counted: {self.missed}"
        yield from (f"{self.kind}: lost: {line}" for line in self.lost)
        yield from (f"{self.kind}: wrong: {line}" for line in self.wrong)
        if self.lost or self.wrong:
            choice = f"--seed {seed} --only {self.kind} --skip {self.number} --count 1"
            yield f"again: python -m tests.faults {choice}"


class Table:
    """The outcomes, counted by kind."""

    def __init__(self, outcomes: Sequence[Outcome], seed: int) -> None:
        self.outcomes, self.seed = [each for each in outcomes if each.missed is None], seed
        self.kinds = sorted({outcome.kind for outcome in self.outcomes})

    @property
    def good(self) -> bool:
        """Return whether nothing was lost or wrong."""
        return not any(outcome.lost or outcome.wrong for outcome in self.outcomes)

    def row(self, kind: str | None = None) -> dict[str, float]:
        """Return the numbers of one kind, or of all."""
        own = [each for each in self.outcomes if kind in (None, each.kind)]
        return {
            "injected": len(own),
            "survived": sum(not (each.lost or each.wrong) for each in own),
            "lost": sum(bool(each.lost) for each in own),
            "wrong": sum(bool(each.wrong) for each in own),
            "seconds": round(sum(each.seconds for each in own), 1),
        }

    def text(self) -> str:
        """Return a line for each kind and one for all."""
        width = max(map(len, ("kind", *self.kinds)))
        lines = [f"{'kind':<{width}}" + "".join(f"{name:>10}" for name in COLUMNS)]
        for name, row in [*((kind, self.row(kind)) for kind in self.kinds), ("all", self.row())]:
            lines.append(f"{name:<{width}}" + "".join(f"{row[column]:>10}" for column in COLUMNS))
        return "\n".join(lines)

    def summary(self) -> str:
        """Return the last line."""
        row = self.row()
        return (
            f"faults: {row['injected']} injected, {len(self.kinds)} kinds, "
            f"{row['lost']} lost, {row['wrong']} wrong"
        )

    def write(self, path: Path) -> None:
        """Write the rows by kind, and what was held against the suite, as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        against = [vars(each) for each in self.outcomes if each.lost or each.wrong]
        kinds = {kind: self.row(kind) for kind in self.kinds}
        content = {"seed": self.seed, "kinds": kinds, "all": self.row(), "against": against}
        path.write_text(json.dumps(content, indent=1) + "\n")
