"""Real-gated linear recurrent unit: how much a unit keeps depends on the input."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, exp, sigmoid
from torch.nn.functional import softplus

from rnnbench.cell import Cell, Initialization, Parameters, Shapes, normal_, uniform_

SHARPNESS = 8.0  # the paper's c
RADII = (0.9, 0.999)  # of a at the published start, before the power
# From here down sqrt(q) is a straight line, of the slope 1000 that bounds the authors' derivative.
LEAST_SQUARE = 1e-6


class RGLRU(Cell):
    """Real-gated linear recurrent unit (De et al., 2024, arXiv:2402.19427, section 2.4).

        r = sigmoid(W_r x)      a = exp(-8 softplus(Lambda) * r)
        i = sigmoid(W_i x)      h' = a * h + sqrt(1 - a^2) * (i * (W_v x))

    State: h (B, H).

    Griffin gates a block's inner features, by block-diagonal matrices, and W_v is its linear map
    before the recurrence; here r, i and v all see the cell's own input, and there is no
    convolution between. The derivative of the root is bounded as in the authors' code
    (github.com/google-deepmind/recurrentgemma): for q = 1 - a^2 the root is q / sqrt(max(q, 1e-6)),
    which is sqrt(q) above 1e-6 and has a slope of 1000 below, where it errs by at most 2.5e-4.
    (The code leaves the first step of a sequence unscaled; the paper, and this cell, do not.)

    The published start, by the code: exp(-2 softplus(Lambda)) is uniform on [0.9^2, 0.999^2],
    weights are N(0, 1 / F), biases 0.

    There is no keep gate: a is no sigmoid of one gate, and r, which forgets, starts at 1/2.
    """

    gates = {"r": "x", "i": "x", "v": "x"}
    vectors = ("rate",)

    def __init__(self, *, init: Initialization = "published") -> None:
        super().__init__(init=init)

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        shapes = super().shapes(input_size, hidden_size)
        shapes["lambda_l0"] = shapes.pop("rate_l0")
        return shapes

    def derive(self, parameters: Parameters) -> Parameters:
        return {**parameters, "rate_l0": SHARPNESS * softplus(parameters["lambda_l0"])}

    def update(self, r: Tensor, i: Tensor, v: Tensor, h: Tensor, rate: Tensor) -> Tensor:
        a = exp(-rate * sigmoid(r))
        square = 1 - a * a
        root = square * torch.rsqrt(torch.where(square > LEAST_SQUARE, square, LEAST_SQUARE))
        return a * h + root * (sigmoid(i) * v)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        weight, decay = parameters["weight_ih_l0"], parameters["lambda_l0"]
        normal_(weight, weight.shape[-1] ** -0.5, generator)
        parameters["bias_ih_l0"].zero_()
        least, most = (radius**2 for radius in RADII)
        uniform_(decay, (most - least) / 2, generator)
        decay.add_((most + least) / 2)
        decay.copy_((decay.rsqrt() - 1).log())  # sigmoid(-Lambda) gives the radius back
