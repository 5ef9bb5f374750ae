"""UnICORNN: undamped oscillators, each by itself, with a time step that is learned."""

from __future__ import annotations

import math

from torch import Generator, Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization, Parameters, uniform_


class UnICORNN(Cell):
    """Undamped independent controlled oscillatory RNN (Rusch & Mishra, 2021, arXiv:2103.05487).

        z' = z - d * (tanh(W x + w * y) + alpha * y)        d = dt * sigmoid(c)
        y' = y + d * z'

    w and c are a number per unit. The paper stacks such layers, some with a dt for
    each; here it is one for all. States: y (B, H), which is the output, and z (B, H).
    """

    gates = {"a": "x"}
    states = ("y", "z")
    vectors = ("w", "c")

    def __init__(
        self, *, dt: float = 0.19, alpha: float = 30.65, init: Initialization = "published"
    ) -> None:
        """Check the settings; the defaults are those of the authors' psMNIST.

        Args:
            dt: time step, above 0.
            alpha: squared frequency without input, at least 0.
            init: how weights are drawn.
        """
        super().__init__(init=init)
        if not dt > 0:
            raise ValueError(f"dt must be positive, got {dt}")
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha}")
        self.dt, self.alpha = dt, alpha

    def update(
        self, a: Tensor, y: Tensor, z: Tensor, w: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor]:
        step = self.dt * sigmoid(c)
        z = z - step * (tanh(a + w * y) + self.alpha * y)
        return y + step * z, z

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw w from U[0, 1], c from U[-0.1, 0.1] and W from U[-b, b], b = sqrt(6 / (65 F)).

        As the authors' code does (github.com/tk-rusch/unicornn, eigenWorms/network.py; W by
        kaiming_uniform_ with a = 8); the bias is 0.
        """
        features = parameters["weight_ih_l0"].shape[1]
        uniform_(parameters["weight_ih_l0"], math.sqrt(6 / (65 * features)), generator)
        uniform_(parameters["w_l0"], 0.5, generator)
        parameters["w_l0"].add_(0.5)
        uniform_(parameters["c_l0"], 0.1, generator)
        parameters["bias_ih_l0"].zero_()
