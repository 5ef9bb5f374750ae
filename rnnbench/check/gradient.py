"""Gradient: what autograd finds is what finite differences find, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import Problem, largest, objective, pose
from rnnbench.check.subject import Subject
from rnnbench.engine import get_engine

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
