"""The plain recurrent network: all of the past through one repeated squashing layer."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, relu, tanh

from rnnbench.cell import Cell, Initialization


class RNN(Cell):
    """Plain recurrent network (Elman, 1990, doi:10.1207/s15516709cog1402_1; as torch.nn.RNN).

        h' = tanh(W x + U h)

    State: h (B, H).
    """

    gates = {"a": "xh"}
    states = ("h",)

    def __init__(
        self,
        *,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        init: Initialization = "torch",
    ) -> None:
        super().__init__(init=init)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be tanh or relu, got {nonlinearity}")
        self.nonlinearity = nonlinearity

    def update(self, a: Tensor, h: Tensor) -> Tensor:
        return tanh(a) if self.nonlinearity == "tanh" else relu(a)
