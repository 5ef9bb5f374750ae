"""Long short-term memory: a conveyor belt c, and gates that guard it."""

from __future__ import annotations

from torch import Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization


class LSTM(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997, doi:10.1162/neco.1997.9.8.1735).

    With the forget gate of Gers et al. (2000, doi:10.1162/089976600300015015), as torch.nn.LSTM.

        i = sigmoid(W_i x + U_i h)          g = tanh(W_g x + U_g h)
        f = sigmoid(W_f x + U_f h)          c' = f * c + i * g
        o = sigmoid(W_o x + U_o h)          h' = o * tanh(c')

    States: h (B, H), c (B, H).
    """

    gates = {"i": "xh", "f": "xh", "g": "xh", "o": "xh"}
    states = ("h", "c")
    keep_gate = "f"
    input_gate = "i"

    def __init__(self, *, init: Initialization = "torch", keep_bias: float = 1.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(
        self, i: Tensor, f: Tensor, g: Tensor, o: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor]:
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c
