"""The engines' common interface, and how one is chosen by name."""

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


def get_engine(name: str) -> Engine:
    """Return an engine by its name.

    Raises:
        ValueError: there is no such engine.
    """
    from rnnbench.engine.reference import run_reference
    from rnnbench.engine.torch_nn import run_torch_nn

    engines: dict[str, Engine] = {"reference": run_reference, "torch": run_torch_nn}
    if name not in engines:
        raise ValueError(f"engine must be one of {', '.join(engines)}, got {name}")
    return engines[name]


def check_engine(name: str, cell: Cell) -> None:
    """Check that the engine of a configured name can run a cell.

    Raises:
        ValueError: it cannot.
    """
    from rnnbench.engine.torch_nn import has_module

    if name == "torch" and not has_module(cell):
        kind = type(cell).__name__
        raise ValueError(f"engine must be reference for a cell that torch.nn lacks, got {kind}")


def choose(name: str) -> str:
    """Return the engine that a configured name stands for; auto is the reference."""
    return "reference" if name == "auto" else name
