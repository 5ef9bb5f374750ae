"""Find an engine by its name, and check that it can run a cell on a device."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from rnnbench.cell import Cell, Parameters, Shapes, States
from rnnbench.engine.compiled.kernel import kernel_of, run_compiled
from rnnbench.engine.reference import Engine, run_reference
from rnnbench.engine.torch_nn import check_cell, run_torch_nn

__all__ = ["ENGINES", "Engine", "check_engine", "get_engine", "kernel_identity"]

ENGINES: dict[str, Engine] = {
    "reference": run_reference,
    "compiled": run_compiled,
    "torch": run_torch_nn,
}


_shapes: WeakKeyDictionary[Cell, dict[tuple[int, int], Shapes]] = WeakKeyDictionary()


def get_engine(name: str) -> Engine:
    """Return an engine by its name; it takes parameters as they are trained.

    Raises:
        ValueError: there is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name}")
    return partial(_run, ENGINES[name])


def _run(
    engine: Engine,
    cell: Cell,
    parameters: Parameters,
    inputs: Tensor,
    states: States | None,
    last: int | None,
) -> tuple[Tensor, States]:
    used = _derived(cell, parameters)
    if cell.declared and (type(cell).derive, type(cell).shapes) != (Cell.derive, Cell.shapes):
        _check_shapes(cell, parameters, used, inputs.shape[-1])
    return engine(cell, used, inputs, states, last)


def _check_shapes(cell: Cell, trained: Parameters, used: Parameters, input_size: int) -> None:
    """Check that the gates get parameters of their shapes; a kernel would read beyond others.

    Raises:
        ValueError: one is missing or has another shape.
    """
    if "weight_hh_l0" not in trained:
        raise ValueError("shapes must have a weight_hh_l0 (..., H), which tells the hidden size")
    method = "shapes" if type(cell).derive is Cell.derive else "derive"
    size = trained["weight_hh_l0"].shape[-1]
    known = _shapes.setdefault(cell, {})  # working them out takes as long as a time step
    if (input_size, size) not in known:
        known[input_size, size] = Cell.shapes(cell, input_size, size)
    for name, shape in known[input_size, size].items():
        found = tuple(used[name].shape[1:]) if name in used else "none"
        if found != shape:
            raise ValueError(f"{method} must give {name} the shape {shape}, got {found}")


def _derived(cell: Cell, parameters: Parameters) -> Parameters:
    """Return the parameters that the cell's gates use, each replica's worked out by itself.

    What is handed on as it is needs no copy, which takes as long as a time step or two.
    """
    if type(cell).derive is Cell.derive:
        return parameters
    replicas = [tensor.unbind(0) for tensor in parameters.values()]
    # Copies start on a boundary of memory: elsewhere a product may round differently.
    own = [[tensor.clone() for tensor in each] for each in zip(*replicas, strict=True)]
    given = [dict(zip(parameters, each, strict=True)) for each in own]
    used = [cell.derive(dict(each)) for each in given]
    if not isinstance(used[0], Mapping):
        raise ValueError(f"derive must return parameters by name, got {type(used[0]).__name__}")
    both = list(zip(used, given, strict=True))
    return {
        name: parameters[name]
        if all(new[name] is old.get(name) and _is_unchanged(new[name]) for new, old in both)
        else torch.stack([each[name] for each in used])
        for name in used[0]
    }


def _is_unchanged(fresh: Tensor) -> bool:
    """Return whether nothing has changed a fresh tensor in place; in inference nobody counts."""
    return not fresh.is_inference() and fresh._version == 0


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
