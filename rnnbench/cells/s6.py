"""Selective state space: what a unit keeps and lets in depends on the input, through its step."""

from __future__ import annotations

import math

from torch import Generator, Tensor, exp
from torch.nn.functional import softplus

from rnnbench.cell import Cell, Initialization, Parameters, Shapes, uniform_

STEPS = (1e-3, 1e-1)  # of time, at the published start: the least and the greatest


class S6(Cell):
    """Selective state space with one state per channel (Gu & Dao, 2023, arXiv:2312.00752).

    The recurrence of Mamba's algorithm 2, as in its code (github.com/state-spaces/mamba):

        d = softplus(W_d x)     s' = exp(-d exp(a_log)) * s + d * (W_b x) * (W_u x)
                                y = (W_c x) * s'

    State: s (B, H). Output: y.

    One state per channel where Mamba has N = 16, so that b and c are each channel's own; the step
    d is a full-rank map of x; there is no skip D u, convolution, or gate around the recurrence.
    The published start with N = 1: d without an input is log-uniform on [1e-3, 1e-1], a_log is
    log 1, weights are U[-1/sqrt(F), 1/sqrt(F)], other biases 0.

    There is no keep gate: d both forgets and lets in, and its start is the published one.
    """

    gates = {"d": "x", "b": "x", "c": "x", "u": "x"}
    states = ("s",)
    outputs = ("y",)
    vectors = ("rate",)

    def __init__(self, *, init: Initialization = "published") -> None:
        super().__init__(init=init)

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        shapes = super().shapes(input_size, hidden_size)
        shapes["a_log_l0"] = shapes.pop("rate_l0")
        return shapes

    def derive(self, parameters: Parameters) -> Parameters:
        return {**parameters, "rate_l0": exp(parameters["a_log_l0"])}

    def update(
        self, d: Tensor, b: Tensor, c: Tensor, u: Tensor, s: Tensor, rate: Tensor
    ) -> tuple[Tensor, Tensor]:
        d = softplus(d)
        s = exp(-d * rate) * s + d * b * u
        return s, c * s

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        weight, bias = parameters["weight_ih_l0"], parameters["bias_ih_l0"]
        uniform_(weight, weight.shape[-1] ** -0.5, generator)
        bias.zero_()
        parameters["a_log_l0"].zero_()
        least, most = map(math.log, STEPS)
        step = self.bias_of("d", bias, "x")
        uniform_(step, (most - least) / 2, generator)
        step.add_((most + least) / 2).exp_()
        step.copy_(step + (-(-step).expm1()).log())  # softplus gives the step back
