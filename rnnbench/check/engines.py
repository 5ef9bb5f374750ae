"""Check a cell on the engines: its gradient, the compiled kernel, and replicas in a stack."""

from __future__ import annotations

from operator import itemgetter

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check import Failure, Measured, NotApplicable, Subject
from rnnbench.check.problem import Problem, difference, make_problem, objective, run_with_gradients
from rnnbench.console import message_of
from rnnbench.engine import check_engine, get_engine
from rnnbench.training.optimizer import FlatStack

STEP = 1e-6  # of the finite differences, in float64
GRADIENT_BOUND = 1e-6
KERNEL_BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-5}
REPLICAS = 3
BATCHES = (3, 16)  # replicas of 16 sequences start on a boundary of 64 bytes, those of 3 do not
ROUNDING = 1e-5  # a smaller difference between alone and stacked is one of rounding


def check_gradient(subject: Subject) -> Measured:
    """Compare gradients with finite differences, along one random direction per tensor.

    The tensors are parameters, inputs and initial states. Differences are in units of the
    gradient's length, so that a tensor of little effect counts little.
    """
    cell = subject.build()
    problem = make_problem(cell, hidden=subject.hidden_size)
    leaves = {name: leaf for name, leaf in problem.leaves().items() if leaf.numel()}
    total = _total(cell, problem)
    if not total.requires_grad:
        raise Failure("outputs must have a gradient, got none: is all of them detached?")
    found = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
    generator = torch.Generator().manual_seed(0)
    errors = []
    for (name, leaf), gradient in zip(leaves.items(), found, strict=True):
        direction = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
        direction /= direction.norm()
        slope = _slope(cell, problem, leaf, direction)
        scale = float(gradient.norm()) / leaf.numel() ** 0.5
        error = abs(float((gradient * direction).sum()) - slope)
        errors.append((name, error / max(scale, abs(slope), 1e-3)))
    name, worst = max(errors, key=itemgetter(1))
    if not worst <= GRADIENT_BOUND:
        rule = f"gradients must agree with finite differences to {GRADIENT_BOUND:g}"
        raise Failure(f"{rule}, got {name} {worst:.1e} apart: is something detached?", worst)
    return Measured(f"{worst:.1e} from finite differences", worst)


def _total(cell: Cell, problem: Problem) -> Tensor:
    return objective(*get_engine("reference")(cell, *problem, None))


def _slope(cell: Cell, problem: Problem, leaf: Tensor, direction: Tensor) -> float:
    """Return the central difference along a direction, and leave the leaf as it was."""
    before = leaf.detach().clone()
    totals = []
    with torch.no_grad():
        for sign in (1, -1):
            leaf.copy_(before + sign * STEP * direction)
            totals.append(float(_total(cell, problem)))
        leaf.copy_(before)
    return (totals[0] - totals[1]) / (2 * STEP)


def check_compiled(subject: Subject) -> Measured:
    """Compare the kernel's outputs, states and gradients with the reference engine's in float64."""
    cell = subject.build()
    try:
        check_engine("compiled", cell, "cpu")
    except ValueError as error:
        raise NotApplicable(message_of(error)) from error
    exact = run_with_gradients("reference", cell, make_problem(cell, hidden=subject.hidden_size))
    apart = {}
    for dtype, bound in KERNEL_BOUNDS.items():
        problem = make_problem(cell, hidden=subject.hidden_size, dtype=dtype)
        found = run_with_gradients("compiled", cell, problem)
        pairs = [(name, difference(found[name].double(), exact[name])) for name in exact]
        name, apart[dtype] = max(pairs, key=itemgetter(1))
        if not apart[dtype] <= bound:
            text = f"the kernel must agree with the reference engine to {bound:g} in {dtype}"
            raise Failure(f"{text}, got {name} {apart[dtype]:.1e} apart", apart[dtype])
    text = ", ".join(f"{value:.1e} in {str(dtype)[6:]}" for dtype, value in apart.items())
    return Measured(f"{text} from the reference", apart[torch.float64])


def check_stacking(subject: Subject) -> Measured:
    """Check that each replica has bitwise the same outputs and gradients alone and in a stack."""
    for batch in BATCHES:
        _compare_stacks(subject, batch)
    return Measured(f"bitwise the same in a stack of {REPLICAS}", 0.0)


def _compare_stacks(subject: Subject, batch: int) -> None:
    cell, size = subject.build(), subject.hidden_size
    problem = make_problem(cell, hidden=size, replicas=REPLICAS, batch=batch, dtype=torch.float32)
    stacked = run_with_gradients("reference", cell, _in_buffers(problem, [*range(REPLICAS)]))
    for replica in range(REPLICAS):
        alone = run_with_gradients("reference", cell, _in_buffers(problem, [replica]))
        for name, tensor in alone.items():
            if not torch.equal(tensor[0], stacked[name][replica]):
                found = difference(tensor[0], stacked[name][replica])
                text = "a replica must be bitwise the same alone and in a stack"
                cure = ": rounding; a multiple of 32 as --hidden-size may cure it"
                more = cure if found < ROUNDING else ""
                raise Failure(f"{text}, got {name} {found:.1e} apart{more}", found)


def _in_buffers(problem: Problem, chosen: list[int]) -> Problem:
    """Return the problem of some replicas, with parameters in one buffer as a trainer has them."""
    own = {name: tensor.detach()[chosen] for name, tensor in problem.parameters.items()}
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in own.items()}
    stack = FlatStack(shapes, len(chosen), torch.device("cpu"), torch.float32)
    stack.buffer = stack.flatten(own)
    # Picking by a list copies.
    given = [problem.inputs, *problem.states]
    inputs, *states = (tensor.detach()[chosen].requires_grad_() for tensor in given)
    return Problem(stack.views(), inputs, tuple(states))
