"""The engines by name."""

from __future__ import annotations

from rnnbench.cell import Cell
from rnnbench.engine.base import Engine
from rnnbench.engine.compiled import run_compiled
from rnnbench.engine.reference import run_reference
from rnnbench.engine.torch_nn import check_cell, run_torch_nn

ENGINES: dict[str, Engine] = {
    "reference": run_reference,
    "compiled": run_compiled,
    "torch": run_torch_nn,
}


def choose(name: str) -> str:
    """Return the engine that a configured name stands for; auto is the reference."""
    return "reference" if name == "auto" else name


def get_engine(name: str) -> Engine:
    """Return an engine by its name.

    Raises:
        ValueError: there is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name}")
    return ENGINES[name]


def check_engine(name: str, cell: Cell) -> None:
    """Check that the engine of a configured name can run a cell.

    Raises:
        ValueError: it cannot.
    """
    if choose(name) == "torch":
        check_cell(cell)
