"""Stacking: a replica alone and the same in a stack give the same bits."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import Problem, difference, everything, make_problem
from rnnbench.check.subject import INPUT_SIZE, Subject
from rnnbench.optimizer import FlatStack

REPLICAS = 3
ROUNDING = 1e-5


def check_stacking(subject: Subject) -> Measured:
    """Compare outputs, states and gradients of each replica, its parameters as in training."""
    cell = subject.build()
    problem = make_problem(cell, hidden=subject.hidden_size, replicas=REPLICAS, dtype=torch.float32)
    stacked = everything("reference", cell, _in_buffers(problem, range(REPLICAS), subject))
    for replica in range(REPLICAS):
        alone = everything("reference", cell, _in_buffers(problem, [replica], subject))
        for name, tensor in alone.items():
            if not torch.equal(tensor[0], stacked[name][replica]):
                found = difference(tensor[0], stacked[name][replica])
                raise Failure(_explain(name, found), found)
    return Measured(f"bitwise the same in a stack of {REPLICAS}", 0.0)


def _in_buffers(problem: Problem, replicas: range | list[int], subject: Subject) -> Problem:
    """Return the problem of some replicas, with parameters laid out as a trainer has them."""
    shapes = subject.build().shapes(INPUT_SIZE, subject.hidden_size)
    chosen = list(replicas)
    stack = FlatStack(shapes, len(chosen), torch.device("cpu"), torch.float32)
    own = {name: tensor.detach()[chosen] for name, tensor in problem.parameters.items()}
    stack.buffer = stack.flatten(own)

    def pick(tensor: Tensor) -> Tensor:
        return tensor.detach()[chosen].clone().requires_grad_()

    states = tuple(map(pick, problem.states))
    return Problem(stack.views(), pick(problem.inputs), states)


def _explain(name: str, found: float) -> str:
    text = f"a replica must be bitwise the same alone and in a stack, got {name} {found:.1e} apart"
    if found < ROUNDING:
        text += ": rounding; a multiple of 32 as --hidden-size may cure it"
    return text
