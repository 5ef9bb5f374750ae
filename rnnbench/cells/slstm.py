"""sLSTM: an LSTM whose input gate is an exponential, and whose cell state is a weighted mean."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, exp, relu, sigmoid, tanh
from torch.nn.functional import logsigmoid

from rnnbench.cell import Cell, Initialization, Parameters, normal_

NEVER = -1000.0  # a lead so far behind that exp gives 0 in every type


class SLSTM(Cell):
    """sLSTM (Beck et al., 2024, arXiv:2405.04517, section 2.2, equations 8 to 17).

        i = exp(W_i x + U_i h)          c' = f * c + i * tanh(W_z x + U_z h)
        f = sigmoid(W_f x + U_f h)      n' = f * n + i
        o = sigmoid(W_o x + U_o h)      h' = o * c' / n'

    With i~ what exp is taken of, states are kept divided by exp(m), so that nothing overflows:

        m' = max(log f + m, i~)         f by exp(log f + m - m')        i by exp(i~ - m')

    where one of the two factors is always 1. They are computed from the one difference
    log f + m - i~, which cancels nothing. Where nothing has been stored, n = 0, m' = i~, as in the
    authors' code (github.com/NX-AI/xlstm). From then on n is at least 1; a negative n, which no
    run has, counts as 0.

    States: h, c, n, m (B, H) each.

    U is block-diagonal: units of one head see each other alone. The published start is that of a
    first block: U and biases are 0, but for forget gates' biases, which fall from 5 to -7 within
    each head as 5 - 12 p^0.3, p from 0 to 1; W is N(0, 2 / (5 F)). Biases are two, as everywhere,
    the second starting at 0; the group norm on h and the convolution before are the paper's
    block's, and no part of the cell.
    """

    gates = {"i": "xh", "f": "xh", "z": "xh", "o": "xh"}
    states = ("h", "c", "n", "m")
    keep_gate, input_gate = "f", "i"

    def __init__(
        self, *, heads: int = 1, init: Initialization = "published", keep_bias: float = 0.0
    ) -> None:
        """Check and keep the settings.

        Args:
            heads: groups of units that see each other; sizes differ by one at most. Their weights
                to other heads are stored, and stay out of use.

        Raises:
            ValueError: heads is below 1.
        """
        super().__init__(init=init, keep_bias=keep_bias)
        if heads < 1:
            raise ValueError(f"heads must be at least 1, got {heads}")
        self.heads = heads

    def derive(self, parameters: Parameters) -> Parameters:
        weight = parameters["weight_hh_l0"]
        if self.heads == 1:
            return parameters
        sizes = torch.tensor(self._head_sizes(weight.shape[-1]), device=weight.device)
        head = torch.repeat_interleave(sizes)  # which head a unit is of
        own = (head[:, None] == head).repeat(len(self.gates), 1)
        return {**parameters, "weight_hh_l0": weight * own}

    def update(
        self,
        i: Tensor,
        f: Tensor,
        z: Tensor,
        o: Tensor,
        h: Tensor,
        c: Tensor,
        n: Tensor,
        m: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        lead = torch.where(n > 0, logsigmoid(f) + m - i, NEVER)
        smaller, old_leads = exp(-lead.abs()), lead > 0
        keep = torch.where(old_leads, 1.0, smaller)
        let_in = torch.where(old_leads, smaller, 1.0)
        c, n = keep * c + let_in * tanh(z), keep * n + let_in
        return sigmoid(o) * (c / n), c, n, i + relu(lead)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        weight = parameters["weight_ih_l0"]
        normal_(weight, math.sqrt(2 / (5 * weight.shape[-1])), generator)
        for name in ("weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            parameters[name].zero_()
        forget = self.start_bias("f", parameters)
        places = torch.cat([torch.linspace(0, 1, n) for n in self._head_sizes(len(forget))])
        forget.copy_(5 - 12 * places**0.3)

    def _head_sizes(self, units: int) -> list[int]:
        return [len(head) for head in torch.arange(units).tensor_split(self.heads)]
