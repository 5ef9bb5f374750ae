"""Each cell's equations and start, transcribed from its paper and not from the cell.

A module has for each of its CASES, by name a cell: `step(p, x, states, cell)`, which returns what
the read-out sees `(B, width)` and the new states, all NumPy in float64; `p` holds one replica's
trained parameters, gates one below the other as the cell declares them. Where the cell has a start
of its own, `start(p, cell)` asserts it on one draw of many units. `legal(states)`, where there is
one, makes states that the recurrence can have of normal numbers.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def affine(p, x, source="ih"):
    """Return W x + b for all gates that a source feeds: ih the input, hh the hidden state."""
    product = x @ p[f"weight_{source}_l0"].T
    return product + p[f"bias_{source}_l0"] if f"bias_{source}_l0" in p else product


def split(rows, count):
    return np.split(rows, count, axis=-1)
