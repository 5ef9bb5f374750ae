"""Independently recurrent network: each unit sees its own past alone."""

from __future__ import annotations

import math

from torch import Generator, Tensor, relu

from rnnbench.cell import Cell, Initialization, Parameters, uniform_


class IndRNN(Cell):
    """Independently recurrent network (Li et al., 2018, arXiv:1803.04831).

        h' = relu(W x + u * h)

    State: h (B, H); u is one number per unit.

    The published start is that of the last layer of the authors' networks
    (github.com/Sunnydreamrain/IndRNN_pytorch, pixelMNIST): u is uniform on
    [m^(-1/T), m^(1/T)], so that over T time steps, here the gap, a state grows or shrinks at most
    m times; biases are 0, and input weights are nn.Linear's, U[-1/sqrt(F), 1/sqrt(F)].
    The authors may also clip u to m^(1/T) in training, which is not done here.
    """

    gates = {"a": "x"}
    vectors = ("u",)

    def __init__(self, *, magnitude: float = 5.0, init: Initialization = "published") -> None:
        """Check and keep the settings.

        Args:
            magnitude: m of the published start.

        Raises:
            ValueError: it is not above 1 and finite.
        """
        super().__init__(init=init)
        if not 1 < magnitude < math.inf:
            raise ValueError(f"magnitude must be above 1 and finite, got {magnitude}")
        self.magnitude = magnitude

    def update(self, a: Tensor, h: Tensor, u: Tensor) -> Tensor:
        return relu(a + u * h)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        weight, u = parameters["weight_ih_l0"], parameters["u_l0"]
        uniform_(weight, weight.shape[-1] ** -0.5, generator)
        parameters["bias_ih_l0"].zero_()
        least, most = self.magnitude ** (-1 / gap), self.magnitude ** (1 / gap)
        uniform_(u, (most - least) / 2, generator)
        u.add_((most + least) / 2)
