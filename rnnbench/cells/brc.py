"""Bistable recurrent cells: each unit can hold one of two values, by a feedback of its own."""

from __future__ import annotations

import math

from torch import Generator, Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization, Parameters, glorot, orthogonal_, uniform_


class BRC(Cell):
    """Bistable recurrent cell (Vecoven et al., 2021, doi:10.1371/journal.pone.0252676).

        a = 1 + tanh(W_a x + w_a * h)       c = sigmoid(W_c x + w_c * h)
        h' = c * h + (1 - c) * tanh(W_n x + a * h)

    A unit with a > 1 has two stable values. Has a bias in the last tanh, which the paper has not.
    State: h (B, H), which reaches a unit from that unit alone.
    """

    gates = {"a": "x", "c": "x", "n": "x"}
    vectors = ("w_a", "w_c")
    keep_gate = "c"

    def __init__(self, *, init: Initialization = "published", keep_bias: float = 0.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(
        self, a: Tensor, c: Tensor, n: Tensor, h: Tensor, w_a: Tensor, w_c: Tensor
    ) -> Tensor:
        return bistable(1 + tanh(a + w_a * h), sigmoid(c + w_c * h), n, h)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw each matrix by Glorot; w_a and w_c are 1, biases 0.

        As the authors' code does (github.com/nvecoven/BRC, cells/cells.py).
        """
        glorot(self, parameters, generator, gap)
        for name in self.vectors:
            parameters[f"{name}_l0"].fill_(1)


class NBRC(Cell):
    """Bistable cell with neuromodulation (Vecoven et al., 2021, doi:10.1371/journal.pone.0252676).

        a = 1 + tanh(W_a x + U_a h)         c = sigmoid(W_c x + U_c h)
        h' = c * h + (1 - c) * tanh(W_n x + a * h)

    Has a bias in the last tanh, which the paper has not, and two for a and c, which have one there.
    State: h (B, H).
    """

    gates = {"a": "xh", "c": "xh", "n": "x"}
    keep_gate = "c"

    def __init__(self, *, init: Initialization = "published", keep_bias: float = 0.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(self, a: Tensor, c: Tensor, n: Tensor, h: Tensor) -> Tensor:
        return bistable(1 + tanh(a), sigmoid(c), n, h)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw input matrices by Glorot, recurrent ones orthogonal; biases are 0.

        As the authors' MinimalWorkingExample.py does (github.com/nvecoven/BRC); their
        cells/cells.py has Glorot for all.
        """
        features, size = parameters["weight_ih_l0"].shape[1], parameters["weight_hh_l0"].shape[1]
        uniform_(parameters["weight_ih_l0"], math.sqrt(6 / (features + size)), generator)
        for matrix in parameters["weight_hh_l0"].chunk(2):
            orthogonal_(matrix, generator)
        parameters["bias_ih_l0"].zero_()
        parameters["bias_hh_l0"].zero_()


def bistable(a: Tensor, c: Tensor, n: Tensor, h: Tensor) -> Tensor:
    """Return the new state, from the feedback a, the share c that is kept, and the input n."""
    new = tanh(n + a * h)
    return new + c * (h - new)
