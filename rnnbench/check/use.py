"""Use: every declared state and parameter has a say in what comes out."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from rnnbench.cell import Cell
from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import Problem, pose, run
from rnnbench.check.subject import Subject


def check_use(subject: Subject) -> Measured:
    """Change each initial state, and each gate's part of each parameter, and look for a change."""
    cell = subject.build()
    problem = pose(subject, cell)
    outputs = run(cell, problem)[0]
    changes = dict(_changes(cell, problem, subject.hidden_size))
    unused = [
        what for what, changed in changes.items() if torch.equal(run(cell, changed)[0], outputs)
    ]
    if unused:
        raise Failure(f"all that is declared must be used, got no use of {', '.join(unused)}")
    return Measured(f"{len(changes)} states and parts of parameters, all used")


def _changes(cell: Cell, problem: Problem, size: int) -> Iterator[tuple[str, Problem]]:
    """Yield what is changed, and the problem with the change."""
    for index, name in enumerate(cell.states):
        states = list(problem.states)
        states[index] = states[index].detach() + 1
        yield f"state {name}", problem._replace(states=tuple(states))
    for name, tensor in problem.parameters.items():
        for part, rows in _parts(cell, name, tensor.shape[1], size):
            changed = tensor.detach().clone()
            changed[:, rows] += 1
            parameters = {**problem.parameters, name: changed}
            yield part, problem._replace(parameters=parameters)


def _parts(cell: Cell, name: str, rows: int, size: int) -> Iterator[tuple[str, slice]]:
    """Yield a name and the rows of each gate in a declared parameter; else all in one."""
    source = {"weight_ih_l0": "x", "bias_ih_l0": "x", "weight_hh_l0": "h", "bias_hh_l0": "h"}
    if not cell.declared or name not in source:
        if rows:
            yield name, slice(None)
        return
    for index, gate in enumerate(cell.fed_by(source[name])):
        yield f"gate {gate} ({name})", slice(index * size, (index + 1) * size)
