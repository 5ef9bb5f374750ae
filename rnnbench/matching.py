"""Which hidden size makes cells comparable: equal units, equal parameters or equal state."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from rnnbench.cell import Cell
from rnnbench.layers import Layers
from rnnbench.model import model_shapes
from rnnbench.task import Task

Match = Literal["hidden", "parameters", "state"]


def matched_size(
    match: Match, hidden_size: int, task: Task, cell: Cell, standard: Cell, layers: Layers
) -> int:
    """Return the hidden size at which a cell is as large as the standard cell at `hidden_size`.

    Args:
        match: what is to be as large: the number of hidden units, of trained parameters (the
            read-out's included) or of values carried from one time step to the next.
        hidden_size: of the standard cell.
        task: gives the sizes of input and output.
        cell: the one to be matched.
        standard: the one it is matched to.
        layers: of both.

    Returns:
        The size that comes nearest, of two the smaller; at least 1.
    """
    if match == "hidden":
        return hidden_size
    count = count_parameters if match == "parameters" else count_state
    wanted = count(task, standard, layers, hidden_size)
    return _nearest(lambda size: count(task, cell, layers, size), wanted)


def count_parameters(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Return how many numbers one replica trains."""
    shapes = model_shapes(cell, task.input_size, hidden_size, task.output_size, layers)
    return sum(math.prod(shape) for shape in shapes.values())


def count_state(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Return how many numbers are carried from one time step to the next."""
    return hidden_size * len(cell.states) * layers.num_layers * layers.directions


def _nearest(count: Callable[[int], int], wanted: int) -> int:
    """Return the size whose count, which grows with it, is nearest to the one wanted."""
    above = 1
    while count(above) < wanted:
        above *= 2
    below = max(above // 2, 1)
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if count(middle) < wanted else (below, middle)
    return min((below, above), key=lambda size: abs(count(size) - wanted))
