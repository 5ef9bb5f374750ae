"""Draw random problems to run a cell on, run it, and compare."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rnnbench.cell import Cell, States
from rnnbench.engine import STRICT, get_engine

INPUT_SIZE = 5


class Problem(NamedTuple):
    """Hold random parameters `(R, ...)`, inputs `(R, T, B, F)` and states `(R, B, H)` each."""

    parameters: dict[str, Tensor]
    inputs: Tensor
    states: States

    def leaves(self) -> dict[str, Tensor]:
        """Return all tensors that a gradient may be asked for, by name."""
        states = {f"initial state {index}": state for index, state in enumerate(self.states)}
        return {**self.parameters, "inputs": self.inputs, **states}


def make_problem(
    cell: Cell,
    *,
    hidden: int,
    features: int = INPUT_SIZE,
    replicas: int = 2,
    steps: int = 6,
    batch: int = 3,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
) -> Problem:
    """Draw a problem; all is normal, with a deviation of `1 / sqrt(hidden)` for parameters.

    The same sizes give the same numbers in every type, up to rounding, and on every device.
    """
    generator = torch.Generator().manual_seed(steps * 1000 + batch * 100 + hidden)

    def draw(*shape: int, scale: float = 1.0) -> Tensor:
        drawn = torch.randn(*shape, dtype=torch.float64, generator=generator) * scale
        return drawn.to(device, dtype).requires_grad_()

    shapes = cell.shapes(features, hidden).items()
    parameters = {name: draw(replicas, *shape, scale=hidden**-0.5) for name, shape in shapes}
    states = tuple(draw(replicas, batch, hidden) for _ in cell.states)
    return Problem(parameters, draw(replicas, steps, batch, features), states)


def objective(outputs: Tensor, finals: States) -> Tensor:
    """Return a number on which every output and state has an effect of its own.

    Replicas are weighted alike, so that the gradients of each are those it has alone.
    """
    shape = outputs.shape[1:]
    weights = torch.linspace(-1, 1, shape.numel(), dtype=outputs.dtype).view(shape)
    weights = weights.to(outputs.device)
    return (outputs * weights).sum() + sum((final**2).sum() for final in finals)


def run_with_gradients(
    engine: str,
    cell: Cell,
    problem: Problem,
    last: int | None = None,
    precision: str = STRICT,
) -> dict[str, Tensor]:
    """Return outputs, final states and the gradient of `objective` to every leaf, by name."""
    found = run_named(engine, cell, problem, last, precision)
    leaves = problem.leaves()
    total = objective(found["outputs"], tuple(found.values())[1:])
    gradients = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
    named = {f"gradient of {name}": g for name, g in zip(leaves, gradients, strict=True)}
    return found | named


def run_named(
    engine: str,
    cell: Cell,
    problem: Problem,
    last: int | None = None,
    precision: str = STRICT,
) -> dict[str, Tensor]:
    """Return outputs, then final states, by name."""
    outputs, finals = get_engine(engine, precision)(cell, *problem, last)
    states = {f"final state {name}": final for name, final in zip(cell.states, finals, strict=True)}
    return {"outputs": outputs, **states}


def run(cell: Cell, problem: Problem) -> list[Tensor]:
    """Return outputs and final states on the reference engine, without gradients."""
    with torch.no_grad():
        outputs, finals = get_engine("reference")(cell, *problem, None)
    return [outputs, *finals]


def difference(first: Tensor, second: Tensor) -> float:
    """Return the largest difference, in units of the second's largest value; NaN counts as inf."""
    if not second.numel():
        return 0.0
    scale = second.abs().max().clamp(min=1e-30)
    found = float(((first - second).abs().max() / scale).detach())
    return found if found == found else float("inf")
