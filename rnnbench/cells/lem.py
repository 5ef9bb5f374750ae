"""Long expressive memory: two states, each with a time step of its own that is learned."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization


class LEM(Cell):
    """Long expressive memory (Rusch et al., 2022, arXiv:2110.04744, equation 3).

        d = dt * sigmoid(W_d x + U_d y)     z' = (1 - d) * z + d * tanh(W_z x + U_z y)
        e = dt * sigmoid(W_e x + U_e y)     y' = (1 - e) * y + e * tanh(W_y x + U_y z')

    The authors' own start is torch's, U[-1/sqrt(H), 1/sqrt(H)] for all (github.com/tk-rusch/LEM).
    Keeps two biases but for y', where there is one; the paper has one for each. No gate is declared
    to keep: 1 - d and 1 - e do, but no sigmoid is either where dt is not 1.

    States: y (B, H), which is the output, and z (B, H).
    """

    gates = {"d": "xh", "e": "xh", "a": "xh", "b": ("x", "new")}
    states = ("y", "z")

    def __init__(self, *, dt: float = 1.0, init: Initialization = "torch") -> None:
        """Check the settings.

        Args:
            dt: the longest time step, above 0 and at most 1, where the states stay bounded.
            init: how weights are drawn.
        """
        super().__init__(init=init)
        if not 0 < dt <= 1:
            raise ValueError(f"dt must be above 0 and at most 1, got {dt}")
        self.dt = dt

    def prepare(
        self, d: Tensor, e: Tensor, a: Tensor, y: Tensor, z: Tensor
    ) -> Mapping[str, Tensor]:
        return {"new": z + self.dt * sigmoid(d) * (tanh(a) - z)}

    def update(
        self, d: Tensor, e: Tensor, a: Tensor, b: Tensor, y: Tensor, z: Tensor, new: Tensor
    ) -> tuple[Tensor, Tensor]:
        return y + self.dt * sigmoid(e) * (tanh(b) - y), new
