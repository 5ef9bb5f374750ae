"""Find an engine by its name, and check that it can run a cell on a device."""

from __future__ import annotations

from rnnbench.cell import Cell
from rnnbench.engine.compiled.kernel import kernel_of, run_compiled
from rnnbench.engine.reference import Engine, run_reference
from rnnbench.engine.torch_nn import check_cell, run_torch_nn

__all__ = ["ENGINES", "Engine", "check_engine", "get_engine", "kernel_identity"]

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
    """Return the name of the compiled kernel, by source, compiler and processor; else None.

    Kernels of different names may differ in the last bits of their numbers.

    Raises:
        ValueError: the engine cannot run the cell.
    """
    return kernel_of(cell).identity if name == "compiled" else None


def check_engine(name: str, cell: Cell, device: str) -> None:
    """Check that an engine can run a cell on a device; `auto` always can.

    Raises:
        ValueError: it cannot, or there is no C++ compiler.
    """
    if name == "torch":
        check_cell(cell)
    if name == "compiled" and device != "cpu":
        raise ValueError(f"engine must be auto, reference or torch on {device}, got compiled")
    if name == "compiled":
        kernel_of(cell)
