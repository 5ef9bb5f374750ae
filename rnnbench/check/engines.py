"""Check a cell on the engines: its gradient, the compiled kernel, and replicas in a stack."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check import Failure, Measured, NotApplicable, Subject
from rnnbench.check.problem import Problem, difference, make_problem, objective, run_with_gradients
from rnnbench.console import message_of
from rnnbench.engine import check_engine, get_engine
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel, model_shapes
from rnnbench.training.optimizer import FlatStack

STEP = 1e-5  # of the finite differences: about the cube root of float64's precision
GRADIENT_BOUND = 1e-6
KERNEL_BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-5}
# Stacking: sizes on and off the boundaries at which products and functions change their method.
TIME_STEPS, OUTPUTS = 4, 3
FEATURES, BATCHES, HIDDEN = (1, 2, 5, 10), (1, 3, 64), (5, 32, 33, 64)
NETWORKS = [Layers(1), Layers(2, bidirectional=True), Layers(2), Layers(1, bidirectional=True)]
DTYPES = (torch.float32, torch.float64)


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


class Setting(NamedTuple):
    """Hold the sizes of a stack that is compared with its replicas alone."""

    features: int
    batch: int
    hidden: int
    layers: Layers
    dtype: torch.dtype

    def __str__(self) -> str:
        depth = f"layers {self.layers.num_layers}, directions {self.layers.directions}"
        sizes = f"features {self.features}, batch {self.batch}, hidden size {self.hidden}"
        return f"{sizes}, {depth}, {str(self.dtype)[6:]}"


def settings(hidden_sizes: list[int]) -> Iterator[Setting]:
    """Yield all features, batches and hidden sizes; the networks and types take turns."""
    kinds = [*product(NETWORKS, DTYPES)]
    sizes = [*product(enumerate(FEATURES), enumerate(BATCHES), enumerate(hidden_sizes))]
    for (i, features), (j, batch), (k, hidden) in sizes:
        yield Setting(features, batch, hidden, *kinds[(3 * i + j + 2 * k + (i + k) // 4) % 8])


def check_stacking(subject: Subject) -> Measured:
    """Check that a replica has bitwise the same outputs and gradients alone and in a stack of two.

    On each engine that runs the cell; hidden sizes that the cell cannot have are left out.
    """
    cell = subject.build()
    others = [size for size in HIDDEN if size != subject.hidden_size and _can_have(cell, size)]
    engines = ["reference", *(["compiled"] if _compiles(cell) else [])]
    compared = [*settings([subject.hidden_size, *others])]
    for engine, setting in product(engines, compared):
        _compare_stack(cell, engine, setting)
    where = f"{len(compared)} settings of {' and '.join(engines)}"
    return Measured(f"bitwise the same in a stack, in {where}", 0.0)


def _can_have(cell: Cell, hidden: int) -> bool:
    try:
        run_with_gradients("reference", cell, make_problem(cell, hidden=hidden, steps=1))
    except Exception:  # whatever a user's cell raises
        return False
    return True


def _compiles(cell: Cell) -> bool:
    try:
        check_engine("compiled", cell, "cpu")
    except ValueError:
        return False
    return True


def _compare_stack(cell: Cell, engine: str, setting: Setting) -> None:
    # The second of two: it alone may start off a boundary, and it has the stack's last elements.
    stacked, alone = (_run_replicas(cell, engine, setting, chosen) for chosen in ([0, 1], [1]))
    for name, tensor in alone.items():
        if not torch.equal(tensor[0], stacked[name][1]):
            found = difference(tensor[0], stacked[name][1])
            text = "a replica must be bitwise the same alone and in a stack"
            raise Failure(f"{text}, got {name} {found:.1e} apart ({engine}, {setting})", found)


def _run_replicas(
    cell: Cell, engine: str, setting: Setting, chosen: list[int]
) -> dict[str, Tensor]:
    """Return outputs, final states and gradients of a whole network, by name."""
    parameters, inputs, states = _draw_network(cell, setting, chosen)
    outputs, finals = SequenceModel(cell, parameters, engine, setting.layers)(inputs, states)
    leaves = Problem(parameters, inputs, states).leaves()
    total = objective(outputs, finals)
    found = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
    named = {f"gradient of {name}": g for name, g in zip(leaves, found, strict=True)}
    states_of = {f"final state {n}": state for n, state in zip(cell.states, finals, strict=True)}
    return {"outputs": outputs, **states_of, **named}


def _draw_network(cell: Cell, setting: Setting, chosen: list[int]) -> Problem:
    """Draw some replicas' parameters, in one buffer as a trainer has them, inputs and states."""
    features, batch, hidden, layers, dtype = setting
    shapes = model_shapes(cell, features, hidden, OUTPUTS, layers)
    stack = FlatStack(shapes, len(chosen), torch.device("cpu"), dtype)
    state = (layers.num_layers * layers.directions, batch, hidden)
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(2, *shape, generator=generator)[chosen].to(dtype)

    stack.buffer = draw(stack.buffer.shape[1]) * hidden**-0.5
    inputs = draw(TIME_STEPS, batch, features).requires_grad_()
    return Problem(stack.views(), inputs, tuple(draw(*state).requires_grad_() for _ in cell.states))
