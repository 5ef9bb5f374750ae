"""Minimal gated unit: a GRU whose one gate both resets and updates."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization


class MGU(Cell):
    """Minimal gated unit (Zhou et al., 2016, arXiv:1603.09420).

        k = sigmoid(W_k x + U_k h)      f = 1 - k
        n = tanh(W_n x + U_n (f * h))   h' = k * h + f * n

    The paper's gate is f, which forgets; its complement k is declared here, so that keep_bias and
    chrono open what keeps. Both are the same function, W_k being -W_f. Keeps two biases for k, of
    which the paper has one. The paper gives no start. State: h (B, H).
    """

    gates = {"k": "xh", "n": ("x", "fh")}
    keep_gate = "k"

    def __init__(self, *, init: Initialization = "torch", keep_bias: float = 1.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def prepare(self, k: Tensor, h: Tensor) -> Mapping[str, Tensor]:
        return {"fh": sigmoid(-k) * h}

    def update(self, k: Tensor, n: Tensor, h: Tensor, fh: Tensor) -> Tensor:
        return sigmoid(k) * h + sigmoid(-k) * tanh(n)
