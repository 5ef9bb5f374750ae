"""Purity: nothing that a cell is given is changed in place."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import pose
from rnnbench.check.shapes import arguments_of_update
from rnnbench.check.subject import Subject


def check_purity(subject: Subject) -> Measured:
    """Check that all arguments of one update or step are afterwards what they were."""
    cell = subject.build()
    given = _run_declared(cell, subject) if cell.declared else _run_step(cell, subject)
    for name, (tensor, before) in given.items():
        if not torch.equal(tensor, before):
            method = "update" if cell.declared else "step"
            raise Failure(f"{method} must leave {name} as it is, got it changed in place")
    return Measured(f"{len(given)} arguments as they were")


def _run_declared(cell: Cell, subject: Subject) -> dict[str, tuple[Tensor, Tensor]]:
    arguments = arguments_of_update(cell, subject.hidden_size, torch.float64)
    before = [tensor.clone() for tensor in arguments]
    cell.update(*arguments)
    names = [*cell.gates, *cell.states, *cell.vectors]
    return dict(zip(names, zip(arguments, before, strict=True), strict=True))


def _run_step(cell: Cell, subject: Subject) -> dict[str, tuple[Tensor, Tensor]]:
    problem = pose(subject, cell)
    given = {name: tensor.detach() for name, tensor in problem.leaves().items()}
    before = {name: tensor.clone() for name, tensor in given.items()}
    parameters = {name: given[name] for name in problem.parameters}
    states = tuple(given[f"initial state {index}"] for index in range(len(problem.states)))
    cell.step(parameters, given["inputs"][:, 0], states)
    return {name: (given[name], before[name]) for name in given}
