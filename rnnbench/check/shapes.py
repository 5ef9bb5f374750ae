"""Shapes and types: what goes in as `(B, H)` of one type comes out so."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import make_problem
from rnnbench.check.subject import INPUT_SIZE, Subject
from rnnbench.engine import get_engine

SIZES = (
    {"replicas": 1, "batch": 1, "steps": 1},
    {"replicas": 2, "batch": 3, "steps": 4},
)


def check_shapes(subject: Subject) -> Measured:
    """Check one update by itself, then whole sequences, in both types."""
    cell, size = subject.build(), subject.hidden_size
    for dtype in (torch.float32, torch.float64):
        _check_states(cell, step_once(cell, size, dtype), size, dtype)
        for sizes in SIZES:
            problem = make_problem(cell, hidden=size, dtype=dtype, **sizes)
            with torch.no_grad():
                outputs, finals = get_engine("reference")(cell, *problem, last=1)
            state = (sizes["replicas"], sizes["batch"], size)
            _expect("outputs", outputs, (state[0], 1, *state[1:]), dtype)
            for name, final in zip(cell.states, finals, strict=True):
                _expect(f"state {name}", final, state, dtype)
    return Measured(f"({size},) per state and sequence, float32 and float64")


def arguments_of_update(cell: Cell, size: int, dtype: torch.dtype) -> list[Tensor]:
    """Return random arguments of `update`: gates and states `(2, 3, H)`, vectors `(2, 1, H)`."""
    generator = torch.Generator().manual_seed(0)
    count = len(cell.gates) + len(cell.states)
    shapes = [(2, 3, size)] * count + [(2, 1, size)] * len(cell.vectors)
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


def step_once(cell: Cell, size: int, dtype: torch.dtype) -> object:
    """Return what one `update` or `step` gives, just as it is."""
    with torch.no_grad():
        if cell.declared:
            return cell.update(*arguments_of_update(cell, size, dtype))
        problem = make_problem(cell, hidden=size, features=INPUT_SIZE, dtype=dtype)
        return cell.step(problem.parameters, problem.inputs[:, 0], problem.states)


def _check_states(cell: Cell, new: object, size: int, dtype: torch.dtype) -> None:
    method = "update" if cell.declared else "step"
    names = ", ".join(cell.states)
    several = len(cell.states) > 1 or not cell.declared
    if several and not isinstance(new, tuple):
        raise Failure(f"{method} must return a tuple ({names},), got {type(new).__name__}")
    states = new if isinstance(new, tuple) else (new,)
    if len(states) != len(cell.states):
        raise Failure(
            f"{method} must return {len(cell.states)} states ({names}), got {len(states)}"
        )
    for name, state in zip(cell.states, states, strict=True):
        _expect(f"{method}'s state {name}", state, (2, 3, size), dtype)


def _expect(what: str, found: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(found, Tensor):
        raise Failure(f"{what} must be a tensor, got {type(found).__name__}")
    if tuple(found.shape) != shape:
        raise Failure(f"{what} must have shape {shape}, got {tuple(found.shape)}")
    if found.dtype != dtype:
        raise Failure(f"{what} must be {dtype} where all that goes in is, got {found.dtype}")
