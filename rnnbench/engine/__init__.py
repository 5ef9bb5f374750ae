"""The engines by name, and which of them can run a cell."""

from __future__ import annotations

from rnnbench.cell import Cell
from rnnbench.engine.base import Engine, Parameters, States
from rnnbench.engine.compiled import kernel_of, run_compiled
from rnnbench.engine.reference import run_reference
from rnnbench.engine.torch_nn import check_cell, run_torch_nn

__all__ = [
    "ENGINES",
    "Engine",
    "Parameters",
    "States",
    "check_engine",
    "get_engine",
    "kernel_identity",
]

ENGINES: dict[str, Engine] = {
    "reference": run_reference,
    "compiled": run_compiled,
    "torch": run_torch_nn,
}


def get_engine(name: str) -> Engine:
    """Return an engine by its name.

    Raises:
        ValueError: there is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name}")
    return ENGINES[name]


def kernel_identity(name: str, cell: Cell) -> str | None:
    """Return what tells kernels apart whose numbers may differ in their last bits.

    Raises:
        ValueError: the engine cannot run the cell.
    """
    return kernel_of(cell).identity if name == "compiled" else None


def check_engine(name: str, cell: Cell, device: str) -> None:
    """Check that an engine can run a cell on a device; auto always finds one that can.

    Raises:
        ValueError: it cannot, or there is no C++ compiler.
    """
    if name == "torch":
        check_cell(cell)
    if name == "compiled" and device != "cpu":
        raise ValueError(f"engine must be auto, reference or torch on {device}, got compiled")
    if name == "compiled":
        kernel_of(cell)
