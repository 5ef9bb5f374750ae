"""What becomes of a replica: its progress while it trains, and its outcome when it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from rnnbench.condition import Replica

SOLVED_IN_A_ROW = 3
Row = dict[str, float]


@dataclass
class Progress:
    """What is known of one replica so far."""

    replica: Replica
    history: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    def steps_to_solve(self, accuracy: float) -> int | None:
        """Return the first of the last evaluations in a row that were right, if enough were."""
        latest = self.history[-SOLVED_IN_A_ROW:]
        solved = len(latest) == SOLVED_IN_A_ROW and all(
            row["accuracy"] >= accuracy for row in latest
        )
        return int(latest[0]["step"]) if solved else None


@dataclass(frozen=True)
class Outcome:
    """A replica that left the stack: what it learned, and its final parameters."""

    progress: Progress
    status: str
    steps: int
    clipped_steps: int
    steps_to_solve: int | None
    loss: float
    accuracy: float
    score: float
    parameters: Mapping[str, Tensor]
