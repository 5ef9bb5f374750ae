"""Linear oscillatory state space: undamped springs, pushed by the input."""

from __future__ import annotations

from typing import Literal

from torch import Generator, Tensor, relu, sigmoid

from rnnbench.cell import Cell, Initialization, Parameters, Shapes, uniform_


class LinOSS(Cell):
    """Linear oscillatory state space (Rusch & Rus, 2024, arXiv:2410.03943).

    The springs y'' = -A y + B x + b in steps of time dt, with A = relu(a) and dt = sigmoid(d); the
    new velocity z' sees the new place ("IM": implicit, it forgets) or the old one ("IMEX":
    implicit-explicit, it conserves):

        IM:   z' = z + dt * (B x - A y')        y' = y + dt * z'
        IMEX: z' = z + dt * (B x - A y)         y' = y + dt * z'

    B and y are complex, as in the authors' code; as A and dt are real, the parts are two springs
    of the same kind. IM is solved for y' by 1 / (1 + dt^2 A).

    States: y_re, z_re, y_im, z_im (B, H) each; y_re and y_im are outputs.

    The paper's Re(C y) + D x is the read-out's: a linear map of y_re and y_im is all that Re(C y)
    can be, and D x is left out. The published start (github.com/tk-rusch/linoss): a and d are
    U[0, 1], both parts of B are U[-1/sqrt(F), 1/sqrt(F)], the bias is 0.
    """

    gates = {"u_re": "x", "u_im": "x"}
    states = ("y_re", "z_re", "y_im", "z_im")
    outputs = ("y_re", "y_im")
    vectors = ("stiffness", "dt")

    def __init__(
        self,
        *,
        discretization: Literal["IM", "IMEX"] = "IM",
        init: Initialization = "published",
    ) -> None:
        super().__init__(init=init)
        if discretization not in ("IM", "IMEX"):
            raise ValueError(f"discretization must be IM or IMEX, got {discretization}")
        self.discretization = discretization

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        shapes = super().shapes(input_size, hidden_size)
        shapes["a_l0"], shapes["d_l0"] = shapes.pop("stiffness_l0"), shapes.pop("dt_l0")
        return shapes

    def derive(self, parameters: Parameters) -> Parameters:
        used = {"stiffness_l0": relu(parameters["a_l0"]), "dt_l0": sigmoid(parameters["d_l0"])}
        return {**parameters, **used}

    def update(
        self,
        u_re: Tensor,
        u_im: Tensor,
        y_re: Tensor,
        z_re: Tensor,
        y_im: Tensor,
        z_im: Tensor,
        stiffness: Tensor,
        dt: Tensor,
    ) -> tuple[Tensor, ...]:
        real = self._advance(u_re, y_re, z_re, stiffness, dt)
        imaginary = self._advance(u_im, y_im, z_im, stiffness, dt)
        return *real, *imaginary

    def _advance(
        self, u: Tensor, y: Tensor, z: Tensor, stiffness: Tensor, dt: Tensor
    ) -> tuple[Tensor, Tensor]:
        z = z + dt * (u - stiffness * y)
        if self.discretization == "IM":
            z = z / (1 + dt * dt * stiffness)  # z' = z + dt (u - A (y + dt z'))
        return y + dt * z, z

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        weight = parameters["weight_ih_l0"]
        uniform_(weight, weight.shape[-1] ** -0.5, generator)
        parameters["bias_ih_l0"].zero_()
        for name in ("a_l0", "d_l0"):
            uniform_(parameters[name], 0.5, generator)
            parameters[name].add_(0.5)
