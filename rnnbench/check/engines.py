"""Gradient: what autograd finds is what finite differences find, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check.problem import (
    INPUT_SIZE,
    Failure,
    Measured,
    NotApplicable,
    Problem,
    Subject,
    difference,
    everything,
    largest,
    make_problem,
    objective,
    pose,
)
from rnnbench.console import message_of
from rnnbench.engine import check_engine, get_engine
from rnnbench.training.optimizer import FlatStack

STEP = 1e-6
BOUND = 1e-6


def check_gradient(subject: Subject) -> Measured:
    """Compare the slope of an objective along one random direction per leaf.

    A leaf is a parameter, the inputs or an initial state. Slopes are compared in units of the
    gradient's length, so that a leaf of little effect weighs little.
    """
    cell = subject.build()
    problem = pose(subject, cell)
    leaves = {name: leaf for name, leaf in problem.leaves().items() if leaf.numel()}
    total = _total(cell, problem)
    if not total.requires_grad:
        raise Failure("outputs must have a gradient, got none: is all of them detached?")
    found = torch.autograd.grad(
        total, list(leaves.values()), allow_unused=True, materialize_grads=True
    )
    generator = torch.Generator().manual_seed(0)
    errors = []
    for (name, leaf), gradient in zip(leaves.items(), found, strict=True):
        direction = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
        direction /= direction.norm()
        slope = _slope(cell, problem, leaf, direction)
        scale = float(gradient.norm()) / leaf.numel() ** 0.5
        error = abs(float((gradient * direction).sum()) - slope)
        errors.append((name, error / max(scale, abs(slope), 1e-3)))
    name, worst = largest(errors)
    if not worst <= BOUND:
        rule = f"agree with finite differences to {BOUND:g}"
        raise Failure(
            f"gradients must {rule}, got {name} {worst:.1e} apart: is something detached?", worst
        )
    return Measured(f"{worst:.1e} from finite differences", worst)


def _total(cell: Cell, problem: Problem) -> Tensor:
    return objective(*get_engine("reference")(cell, *problem))


def _slope(cell: Cell, problem: Problem, leaf: Tensor, direction: Tensor) -> float:
    """Return the central difference along a direction; the leaf is put back as it was."""
    before = leaf.detach().clone()
    totals = []
    with torch.no_grad():
        for sign in (1, -1):
            leaf.copy_(before + sign * STEP * direction)
            totals.append(float(_total(cell, problem)))
        leaf.copy_(before)
    return (totals[0] - totals[1]) / (2 * STEP)


BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-5}


def check_compiled(subject: Subject) -> Measured:
    """Compare outputs, states and all gradients with the reference engine's in float64."""
    cell = subject.build()
    try:
        check_engine("compiled", cell, "cpu")
    except ValueError as error:
        raise NotApplicable(message_of(error)) from error
    exact = everything("reference", cell, pose(subject, cell))
    apart = {}
    for dtype, bound in BOUNDS.items():
        found = everything("compiled", cell, pose(subject, cell, dtype=dtype))
        pairs = [(name, difference(found[name].double(), exact[name])) for name in exact]
        name, apart[dtype] = largest(pairs)
        if not apart[dtype] <= bound:
            text = f"the kernel must agree with the reference engine to {bound:g} in {dtype}"
            raise Failure(f"{text}, got {name} {apart[dtype]:.1e} apart", apart[dtype])
    text = ", ".join(f"{value:.1e} in {str(dtype)[6:]}" for dtype, value in apart.items())
    return Measured(f"{text} from the reference", apart[torch.float64])


REPLICAS = 3
BATCHES = (3, 16)  # replicas of 16 sequences start on a boundary, those of 3 do not
ROUNDING = 1e-5


def check_stacking(subject: Subject) -> Measured:
    """Compare outputs, states and gradients of each replica, its parameters as in training."""
    for batch in BATCHES:
        _compare_stacks(subject, batch)
    return Measured(f"bitwise the same in a stack of {REPLICAS}", 0.0)


def _compare_stacks(subject: Subject, batch: int) -> None:
    cell, size = subject.build(), subject.hidden_size
    problem = make_problem(cell, hidden=size, replicas=REPLICAS, batch=batch, dtype=torch.float32)
    stacked = everything("reference", cell, _in_buffers(problem, range(REPLICAS), subject))
    for replica in range(REPLICAS):
        alone = everything("reference", cell, _in_buffers(problem, [replica], subject))
        for name, tensor in alone.items():
            if not torch.equal(tensor[0], stacked[name][replica]):
                found = difference(tensor[0], stacked[name][replica])
                raise Failure(_explain(name, found), found)


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
