"""Gated recurrent unit: one gate both keeps and lets in, and there is no separate cell state."""

from __future__ import annotations

from torch import Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization


class GRU(Cell):
    """Gated recurrent unit (Cho et al., 2014, arXiv:1406.1078).

    The reset gate acts after the product, as in torch.nn.GRU.

        r = sigmoid(W_r x + U_r h)          n = tanh(W_n x + r * (U_n h))
        z = sigmoid(W_z x + U_z h)          h' = n + z * (h - n)

    State: h (B, H).
    """

    gates = {"r": "xh", "z": "xh", "n_x": "x", "n_h": "h"}
    states = ("h",)
    keep_gate = "z"

    def __init__(self, *, init: Initialization = "torch", keep_bias: float = 1.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(self, r: Tensor, z: Tensor, n_x: Tensor, n_h: Tensor, h: Tensor) -> Tensor:
        n = tanh(n_x + sigmoid(r) * n_h)
        return n + sigmoid(z) * (h - n)
