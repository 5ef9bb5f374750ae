"""JANET: an LSTM with its forget gate alone."""

from __future__ import annotations

import math

from torch import Generator, Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization, Parameters, uniform_

BETA = 1.0


class JANET(Cell):
    """Just another network (van der Westhuizen & Lasenby, 2018, arXiv:1804.04849).

        s = W_s x + U_s h               c = tanh(W_c x + U_c h)
        h' = sigmoid(s) * h + (1 - sigmoid(s - 1)) * c

    Less is let in than is forgotten, by the paper's beta, which is fixed at 1. Keeps two biases per
    gate, of which the paper has one. State: h (B, H).
    """

    gates = {"s": "xh", "c": "xh"}
    keep_gate = "s"

    def __init__(self, *, init: Initialization = "published", keep_bias: float = 0.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(self, s: Tensor, c: Tensor, h: Tensor) -> Tensor:
        return sigmoid(s) * h + (1 - sigmoid(s - BETA)) * tanh(c)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw the chrono bias of s; matrices are Glorot's over both gates, other biases 0.

        As the authors' code does (github.com/JosvanderWesthuizen/janet, aux_code/rnn_cells.py);
        its matrices are `(inputs, 2 H)`, and so are the fans.
        """
        for name in ("weight_ih_l0", "weight_hh_l0"):
            uniform_(parameters[name], math.sqrt(6 / sum(parameters[name].shape)), generator)
        parameters["bias_ih_l0"].zero_()
        parameters["bias_hh_l0"].zero_()
        chrono_(self.start_bias("s", parameters), generator, gap)


def chrono_(bias: Tensor, generator: Generator, gap: int) -> None:
    """Fill with log U[1, gap - 1], where gap is the paper's T_max, as `init: chrono` does."""
    uniform_(bias, 1.0, generator)
    bias.copy_((1 + (bias + 1) / 2 * max(gap - 2, 0)).log())
