"""Coupled oscillatory RNN: each unit is a damped oscillator that all others drive."""

from __future__ import annotations

from torch import Generator, Tensor, tanh

from rnnbench.cell import Cell, Initialization, Parameters, uniform_


class CoRNN(Cell):
    """Coupled oscillatory RNN (Rusch & Mishra, 2021, arXiv:2010.00951, equation 3).

        z' = z + dt * (tanh(W x + U y + V z) - gamma * y - epsilon * z)
        y' = y + dt * z'

    The damping is of the old z, as in the authors' code; the paper allows the new one. Has two
    biases, of which the paper has one. States: y (B, H), which is the output, and z (B, H).
    """

    gates = {"a": ("x", "y", "z")}
    states = ("y", "z")

    def __init__(
        self,
        *,
        dt: float = 0.042,
        gamma: float = 2.7,
        epsilon: float = 4.7,
        init: Initialization = "published",
    ) -> None:
        """Check the settings; the defaults are those of the authors' sMNIST.

        Their adding task has 0.06, 66 and 15; without drive that is down to 1/e after 3 time steps,
        and this after 36.

        Args:
            dt: time step, above 0.
            gamma: squared frequency, above 0.
            epsilon: damping, above 0.
            init: how weights are drawn.
        """
        super().__init__(init=init)
        for name, value in (("dt", dt), ("gamma", gamma), ("epsilon", epsilon)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        self.dt, self.gamma, self.epsilon = dt, gamma, epsilon

    def update(self, a: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        z = z + self.dt * (tanh(a) - self.gamma * y - self.epsilon * z)
        return y + self.dt * z, z

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw all from U[-b, b], b = 1 / sqrt(F + 2 H), as nn.Linear over x, z and y does.

        As the authors' code does (github.com/tk-rusch/coRNN, adding/model.py); bias_hh is 0.
        """
        size, features = parameters["weight_ih_l0"].shape
        for name in ("weight_ih_l0", "weight_hh_l0", "weight_z_l0", "bias_ih_l0"):
            uniform_(parameters[name], (features + 2 * size) ** -0.5, generator)
        parameters["bias_hh_l0"].zero_()
