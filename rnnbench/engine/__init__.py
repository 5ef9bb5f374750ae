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
from rnnbench.engine.triton.kernel import (
    STRICT,
    check_triton,
    kernels_of,
    rows_for,
    run_triton,
)

__all__ = [
    "ENGINES",
    "STRICT",
    "Engine",
    "check_engine",
    "get_engine",
    "kernel_identity",
    "tile_of",
]

ENGINES: dict[str, Engine] = {
    "reference": run_reference,
    "compiled": run_compiled,
    "torch": run_torch_nn,
    "triton": run_triton,
}


_shapes: WeakKeyDictionary[Cell, dict[tuple[int, int], Shapes]] = WeakKeyDictionary()


def get_engine(name: str, precision: str = STRICT) -> Engine:
    """Return an engine by its name; it takes parameters as they are trained.

    Args:
        precision: of the products of engine triton, see `PRECISIONS`. The others round as little
            as their type lets them: a model that was trained otherwise runs on them, too.

    Raises:
        ValueError: there is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name}")
    engine = partial(run_triton, precision=precision) if name == "triton" else ENGINES[name]
    return partial(_run, engine)


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
    """Return the name of a cell's kernel, by all that it is built from and with; else None.

    Kernels of different names may differ in the last bits of their numbers.

    Raises:
        ValueError: the engine cannot run the cell.
    """
    if name == "triton":
        return kernels_of(cell).identity
    return kernel_of(cell).identity if name == "compiled" else None


def tile_of(name: str, replicas: int, batch: int, size: int) -> int | None:
    """Return how many sequences a program of an engine's kernel takes; None where it has no such.

    A cell's kernels are compiled for it and for the hidden size; stacks that have both alike run
    the same machine code.
    """
    return rows_for(replicas, batch, size) if name == "triton" else None


def check_engine(name: str, cell: Cell, device: str) -> None:
    """Check that an engine can run a cell on a device; `auto` always can.

    Raises:
        ValueError: it cannot, or what builds its kernel is not installed.
    """
    if name == "torch":
        check_cell(cell)
    if name == "compiled" and device != "cpu":
        raise ValueError(
            f"engine must be auto, reference, torch or triton on {device}, got compiled"
        )
    if name == "compiled":
        kernel_of(cell)
    if name == "triton":
        check_triton(cell, device)
