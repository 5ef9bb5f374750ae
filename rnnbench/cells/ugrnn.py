"""Update gate RNN: the plain network, with one gate that keeps."""

from __future__ import annotations

from torch import Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization


class UGRNN(Cell):
    """Update gate RNN (Collins et al., 2017, arXiv:1611.09913, section 2).

        c = tanh(W_c x + U_c h)         g = sigmoid(W_g x + U_g h)
        h' = g * h + (1 - g) * c

    State: h (B, H).
    """

    gates = {"c": "xh", "g": "xh"}
    keep_gate = "g"

    def __init__(self, *, init: Initialization = "torch", keep_bias: float = 1.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(self, c: Tensor, g: Tensor, h: Tensor) -> Tensor:
        keep = sigmoid(g)
        return keep * h + (1 - keep) * tanh(c)
