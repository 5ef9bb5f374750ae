"""Linear recurrent unit: each unit turns and shrinks a complex number, whatever the input."""

from __future__ import annotations

import math

from torch import Generator, Tensor, cos, exp, sin

from rnnbench.cell import Cell, Initialization, Parameters, Shapes, normal_, uniform_

SMALLEST = 2.0**-24  # what a uniform draw is kept from 0 and 1 by, whose logarithms are infinite


class LRU(Cell):
    """Linear recurrent unit (Orvieto et al., 2023, arXiv:2303.06349, section 3).

        lambda = exp(-exp(nu) + i exp(theta))       s' = lambda * s + exp(gamma_log) * (B x)

    With s = re + i im and a, b the parts of lambda, in real numbers:

        re' = a * re - b * im + gamma * (B_re x)    im' = b * re + a * im + gamma * (B_im x)

    States: re (B, H), im (B, H); both are outputs.

    The paper's y = Re(C s) + D x is the read-out's: a linear map of re and im is all that Re(C s)
    can be, and D x is left out. B x has a bias, which starts at 0. The published start
    (github.com/NicolasZucchet/minimal-LRU): |lambda|^2 is uniform on [r_min^2, r_max^2], the angle
    on [0, max_phase], gamma = sqrt(1 - |lambda|^2), and both parts of B are N(0, 1 / (2 F)).
    """

    gates = {"u_re": "x", "u_im": "x"}
    states = ("re", "im")
    outputs = ("re", "im")
    vectors = ("a", "b", "gamma")

    def __init__(
        self,
        *,
        r_min: float = 0.0,
        r_max: float = 1.0,
        max_phase: float = 6.28,
        init: Initialization = "published",
    ) -> None:
        """Check and keep the settings, all of the published start.

        Args:
            r_min, r_max: the least and the greatest |lambda|.
            max_phase: the greatest angle, in radians a time step.

        Raises:
            ValueError: a setting is out of its range.
        """
        super().__init__(init=init)
        if not 0 <= r_min < r_max <= 1:
            raise ValueError(
                f"r_min and r_max must be 0 <= r_min < r_max <= 1, got {r_min}, {r_max}"
            )
        if not 0 < max_phase <= 2 * math.pi:
            raise ValueError(f"max_phase must be above 0 and at most 2 pi, got {max_phase}")
        self.r_min, self.r_max, self.max_phase = r_min, r_max, max_phase

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        used = super().shapes(input_size, hidden_size)
        trained = {name: (hidden_size,) for name in ("nu_l0", "theta_l0", "gamma_log_l0")}
        return {name: used[name] for name in used if name[:-3] not in self.vectors} | trained

    def derive(self, parameters: Parameters) -> Parameters:
        size, angle = exp(-exp(parameters["nu_l0"])), exp(parameters["theta_l0"])
        gamma = exp(parameters["gamma_log_l0"])
        return {
            **parameters,
            "a_l0": size * cos(angle),
            "b_l0": size * sin(angle),
            "gamma_l0": gamma,
        }

    def update(
        self,
        u_re: Tensor,
        u_im: Tensor,
        re: Tensor,
        im: Tensor,
        a: Tensor,
        b: Tensor,
        gamma: Tensor,
    ) -> tuple[Tensor, Tensor]:
        return a * re - b * im + gamma * u_re, b * re + a * im + gamma * u_im

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        weight = parameters["weight_ih_l0"]
        normal_(weight, (2 * weight.shape[-1]) ** -0.5, generator)
        parameters["bias_ih_l0"].zero_()
        nu, theta = parameters["nu_l0"], parameters["theta_l0"]
        for draw in (nu, theta):
            uniform_(draw, 0.5, generator)
            draw.add_(0.5).clamp_(SMALLEST, 1 - SMALLEST)
        square = self.r_min**2 + nu * (self.r_max**2 - self.r_min**2)  # of |lambda|
        nu.copy_((-square.log() / 2).log())
        theta.copy_((theta * self.max_phase).log())
        parameters["gamma_log_l0"].copy_((1 - square).log() / 2)
