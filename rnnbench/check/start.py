"""Start: initial values come from the seed alone, by every initialisation that the cell has."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.subject import INPUT_SIZE, Subject
from rnnbench.initialization import INITIALIZATIONS
from rnnbench.streams import INITIALIZATION, stream

GAP = 20
KEEP_BIAS = 2.5


def check_start(subject: Subject) -> Measured:
    """Draw initial values with every initialisation, twice with one seed and once with another."""
    inits = _initializations(subject)
    for name, cell in inits.items():
        first, again, other = (draw(cell, subject.hidden_size, seed) for seed in (0, 0, 1))
        for parameter, drawn in first.items():
            if not bool(drawn.isfinite().all()):
                raise Failure(f"initial values must be finite, got others in {parameter} ({name})")
            if not torch.equal(drawn, again[parameter]):
                rule = "initial values must depend on the seed alone"
                raise Failure(f"{rule}, got others in {parameter} at a second draw ({name})")
        if all(torch.equal(drawn, other[key]) for key, drawn in first.items()):
            raise Failure(f"seeds must draw different initial values, got the same ({name})")
    _check_keep_bias(subject)
    return Measured(f"by seed alone: {', '.join(inits)}")


def draw(cell: Cell, size: int, seed: int = 0, gap: int = GAP) -> dict[str, Tensor]:
    """Return a replica's initial parameters, drawn over NaN so that gaps in them show.

    The global generator stands elsewhere at every call: who draws from it, gives himself away.
    """
    shapes = cell.shapes(INPUT_SIZE, size)
    parameters = {name: torch.full(shape, torch.nan) for name, shape in shapes.items()}
    torch.rand(7)
    cell.initialize(parameters, stream(INITIALIZATION, seed), gap=gap)
    return parameters


def _initializations(subject: Subject) -> dict[str, Cell]:
    """Return the cell with each initialisation that its constructor takes."""
    if not subject.takes("init"):
        return {subject.build().init: subject.build()}
    cells = {}
    for name in INITIALIZATIONS:
        try:
            cells[name] = subject.build(init=name)
        except ValueError:  # the cell has no such start, and says so
            continue
    return cells


def _check_keep_bias(subject: Subject) -> None:
    """Check that keep_bias is added once, to the keep gate's bias and to nothing else."""
    gate = subject.build().keep_gate
    if gate is None or not (subject.takes("keep_bias") and subject.takes("init")):
        return
    plain, helped = (subject.build(init="torch", keep_bias=bias) for bias in (0.0, KEEP_BIAS))
    start, moved = draw(plain, subject.hidden_size), draw(helped, subject.hidden_size)
    expected = {name: tensor.clone() for name, tensor in start.items()}
    plain.bias_of(gate, expected["bias_hh_l0"], "h").add_(KEEP_BIAS)
    for name, tensor in moved.items():
        if not torch.allclose(tensor, expected[name]):
            rule = f"keep_bias must be added once to bias_hh_l0 of gate {gate}"
            raise Failure(f"{rule}, got {name} otherwise")
