"""The gated recurrent unit as it was published: the reset gate acts before the product."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Generator, Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization, Parameters, normal_, orthogonal_


class PublishedGRU(Cell):
    """Gated recurrent unit (Cho et al., 2014, arXiv:1406.1078, equations 5 to 8).

        r = sigmoid(W_r x + U_r h)          n = tanh(W_n x + U_n (r * h))
        z = sigmoid(W_z x + U_z h)          h' = z * h + (1 - z) * n

    The paper's equations leave out the biases; here are those that `Cell` gives: two for r and z,
    one for n. State: h (B, H).
    """

    gates = {"r": "xh", "z": "xh", "n": ("x", "rh")}
    keep_gate = "z"

    def __init__(self, *, init: Initialization = "published", keep_bias: float = 0.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def prepare(self, r: Tensor, z: Tensor, h: Tensor) -> Mapping[str, Tensor]:
        return {"rh": sigmoid(r) * h}

    def update(self, r: Tensor, z: Tensor, n: Tensor, h: Tensor, rh: Tensor) -> Tensor:
        n = tanh(n)
        return n + sigmoid(z) * (h - n)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw input matrices from N(0, 0.01) and recurrent ones orthogonal (section 4.1.1).

        0.01 is the standard deviation. Biases, of which the paper tells nothing, are 0.
        """
        normal_(parameters["weight_ih_l0"], 0.01, generator)
        for matrix in (*parameters["weight_hh_l0"].chunk(2), parameters["weight_rh_l0"]):
            orthogonal_(matrix, generator)
        parameters["bias_ih_l0"].zero_()
        parameters["bias_hh_l0"].zero_()
