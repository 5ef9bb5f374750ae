"""MinMax neuron: the input sets bounds, between which the state stays what it is."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnbench.cell import Cell, Initialization


class MinMax(Cell):
    """MinMax recurrence (Ronca, 2026, arXiv:2605.06384, MinMax Recurrent Neural Cascades).

        h' = max(min(W_r x, h), W_s x)

    State: h (B, H).

    Where a bound is the state itself, the derivative is the state's, so that it stays 1 while the
    same input is shown; half of it, as torch.maximum gives, would fade. What is around the
    recurrence in the paper's networks is no part of the cell: residual layers with a convolution
    and a feed-forward network. It has no start of its own here and no keep gate: a state is kept
    whole, or not at all.
    """

    gates = {"r": "x", "s": "x"}

    def __init__(self, *, init: Initialization = "torch") -> None:
        super().__init__(init=init)

    def update(self, r: Tensor, s: Tensor, h: Tensor) -> Tensor:
        below = torch.where(h > r, r, h)
        return torch.where(below < s, s, below)
