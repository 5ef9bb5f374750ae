"""Minimal GRU and LSTM: their gates see the input alone."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, sigmoid
from torch.nn.functional import logsigmoid

from rnnbench.cell import Cell, Initialization, Parameters, uniform_


def positive(n: Tensor) -> Tensor:
    """Return n + 1/2 from 0 on and sigmoid(n) below: above 0, and steep for what is large."""
    return torch.where(n >= 0, n + 0.5, sigmoid(n))


class MinGRU(Cell):
    """Minimal GRU (Feng et al., 2024, arXiv:2410.01201, section 3.1; g of its appendix B).

        f = sigmoid(W_f x)          n = g(W_n x)
        h' = f * h + (1 - f) * n    g(u) = u + 1/2 if u >= 0, else sigmoid(u)

    State: h (B, H).

    The paper's z = sigmoid(W_z x) lets in: it is 1 - f, so W_f is -W_z. Declared so, the gate that
    has a bias keeps, as in the suite's other cells, and `keep_bias`, chrono and the diagnosis mean
    the same for all. The published start is nn.Linear's (github.com/BorealisAI/minRNNs),
    U[-1/sqrt(F), 1/sqrt(F)], which a sign leaves as it is. The initial state is 0, and the residual
    blocks of the paper's networks are no part of the cell.
    """

    gates = {"f": "x", "n": "x"}
    keep_gate = "f"

    def __init__(self, *, init: Initialization = "published", keep_bias: float = 0.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(self, f: Tensor, n: Tensor, h: Tensor) -> Tensor:
        new = positive(n)
        return new + sigmoid(f) * (h - new)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        start_as_linear(parameters, generator)


class MinLSTM(Cell):
    """Minimal LSTM (Feng et al., 2024, arXiv:2410.01201, section 3.2; g of its appendix B).

        f = sigmoid(W_f x)    i = sigmoid(W_i x)    n = g(W_n x)
        h' = f / (f + i) * h + i / (f + i) * n

    State: h (B, H); g as in MinGRU. The gates are divided by their sum, as
    the code's use_coeff_norm does.

    The share f / (f + i) is computed as sigmoid(log f - log i), which is a number even where both
    gates round to 0. The published start is MinGRU's; the authors' constant on the forget gate's
    bias is `keep_bias`. An open forget gate alone keeps 1 / (1 + i); chrono, which closes the
    input gate likewise, keeps for long. A diagnosis measures f, and not the share.
    """

    gates = {"f": "x", "i": "x", "n": "x"}
    keep_gate, input_gate = "f", "i"

    def __init__(self, *, init: Initialization = "published", keep_bias: float = 0.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(self, f: Tensor, i: Tensor, n: Tensor, h: Tensor) -> Tensor:
        new = positive(n)
        return new + sigmoid(logsigmoid(f) - logsigmoid(i)) * (h - new)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        start_as_linear(parameters, generator)


def start_as_linear(parameters: Parameters, generator: Generator) -> None:
    """Draw what the input feeds as nn.Linear does; nothing else is trained."""
    bound = parameters["weight_ih_l0"].shape[-1] ** -0.5
    for name in ("weight_ih_l0", "bias_ih_l0"):
        uniform_(parameters[name], bound, generator)
