"""The declaration: gates, states and vectors have names, and `update` takes them in order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from rnnbench.cell import Cell
from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.subject import INPUT_SIZE, Subject

SOURCES = ("x", "h", "xh")


def check_declaration(subject: Subject) -> Measured:
    """Check what a cell says of itself, before anything of it is run."""
    cell = subject.build()
    _check_names("states", cell.states)
    if not isinstance(cell.gates, Mapping):
        raise Failure(f"gates must map each gate to x, h or xh, got {cell.gates!r}")
    if not cell.states:
        raise Failure("states must name at least one state, got none")
    own_step = type(cell).step is not Cell.step
    if cell.gates and own_step:
        raise Failure("a cell must have either gates or a step of its own, got both")
    if not cell.gates and not own_step:
        raise Failure("a cell must have gates and update, or a step of its own, got neither")
    if own_step:
        return _check_step(cell, subject.hidden_size)
    _check_names("gates", tuple(cell.gates))
    _check_names("vectors", cell.vectors)
    for gate, source in cell.gates.items():
        if source not in SOURCES:
            raise Failure(f"gate {gate} must be fed by x, h or xh, got {source!r}")
    for role in ("keep_gate", "input_gate"):
        _check_role(cell, role)
    _check_update(cell)
    parts = {"gates": cell.gates, "states": cell.states, "vectors": cell.vectors}
    return Measured(
        "; ".join(f"{what} {', '.join(names)}" for what, names in parts.items() if names)
    )


def _check_names(what: str, names: Any) -> None:
    if not isinstance(names, tuple | list):
        raise Failure(f"{what} must be a tuple of names, got {names!r}")
    for name in names:
        if not (isinstance(name, str) and name.isidentifier()):
            raise Failure(f"{what} must be names, got {name!r}")
    if len(set(names)) < len(names):
        raise Failure(f"{what} must have different names, got {', '.join(names)}")


def _check_role(cell: Cell, role: str) -> None:
    gate = getattr(cell, role)
    if gate is None:
        return
    fed = [name for name, source in cell.gates.items() if source == "xh"]
    if gate not in fed:
        known = ", ".join(fed) or "none"
        raise Failure(f"{role} must be a gate that x and h feed ({known}), got {gate!r}")


def _check_update(cell: Cell) -> None:
    """Check that `update` takes the declared arguments and, where it names them, in this order."""
    if type(cell).update is Cell.update:
        raise Failure("a cell with gates must have update, got none")
    declared = [*cell.gates, *cell.states, *cell.vectors]
    given = list(_bind("update", cell.update, declared).parameters)
    if set(given) == set(declared) and given != declared:
        order = ", ".join(declared)
        raise Failure(f"update must take gates, states, vectors in order: {order}, got {given}")


def _bind(name: str, method: Callable[..., Any], arguments: list[str]) -> inspect.Signature:
    signature = inspect.signature(method)
    try:
        signature.bind(*arguments)
    except TypeError as error:
        wanted = ", ".join(arguments)
        raise Failure(f"{name} must take ({wanted}), got {signature}: {error}") from error
    return signature


def _check_step(cell: Cell, hidden_size: int) -> Measured:
    if type(cell).shapes is Cell.shapes:
        raise Failure("a cell with a step of its own must declare its shapes, got none")
    shapes = cell.shapes(INPUT_SIZE, hidden_size)
    recurrent = shapes.get("weight_hh_l0", ())
    if not recurrent or recurrent[-1] != hidden_size:
        rule = f"have a weight_hh_l0 (..., {hidden_size}), which tells the hidden size"
        raise Failure(f"shapes must {rule}, got {recurrent or 'none'}")
    _bind("step", cell.step, ["parameters", "inputs", "states"])
    return Measured(f"a step of its own; states {', '.join(cell.states)}; {', '.join(shapes)}")
