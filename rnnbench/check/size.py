"""Size: as many parameters and values of state as the declaration makes."""

from __future__ import annotations

import math

from rnnbench.cell import Cell
from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import pose, run
from rnnbench.check.subject import INPUT_SIZE, Subject


def check_size(subject: Subject) -> Measured:
    """Compare the shapes of parameters and of carried states with what is declared."""
    cell, size = subject.build(), subject.hidden_size
    shapes = cell.shapes(INPUT_SIZE, size)
    count = sum(map(math.prod, shapes.values()))
    if cell.declared and count != _declared_parameters(cell, size):
        wanted = f"{_declared_parameters(cell, size)}, as gates and vectors make"
        raise Failure(f"parameters must be {wanted}, got {count} in shapes", count)
    carried = sum(state[0, 0].numel() for state in run(cell, pose(subject, cell))[1:])
    if carried != size * len(cell.states):
        rule = f"{size * len(cell.states)} values, {size} for each of {len(cell.states)}"
        raise Failure(f"states must carry {rule}, got {carried}", carried)
    return Measured(f"{count} parameters for {INPUT_SIZE} inputs, {carried} values of state", count)


def _declared_parameters(cell: Cell, size: int) -> int:
    """Return the count by formula: each gate has a matrix and a bias for each of its sources."""
    from_x = len(cell.fed_by("x")) * size * (INPUT_SIZE + 1)
    from_h = len(cell.fed_by("h")) * size * (size + 1)
    return from_x + from_h + len(cell.vectors) * size
