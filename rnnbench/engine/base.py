"""What every engine is: a function that runs a cell over whole sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from rnnbench.cell import Cell

Parameters = Mapping[str, Tensor]
States = tuple[Tensor, ...]


class Engine(Protocol):
    """Run a cell over whole sequences, for a stack of replicas, differentiably."""

    def __call__(
        self,
        cell: Cell,
        parameters: Parameters,
        inputs: Tensor,
        states: States | None = None,
        *,
        last: int | None = None,
    ) -> tuple[Tensor, States]:
        """Run all time steps.

        Args:
            cell: what is computed.
            parameters: as `cell.shapes` declares them, each with a leading axis R.
            inputs: `(R, T, B, F)`.
            states: `(R, B, H)` each; zeros where None.
            last: return the outputs of the last so many time steps only; all where None.

        Returns:
            Outputs `(R, last, B, H)`, and the final states.
        """
        ...
