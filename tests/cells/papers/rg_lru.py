"""De et al. (2024, arXiv:2402.19427), equations 1 to 4; start: recurrentgemma."""

import numpy as np

from rnnbench.cells import RGLRU

from . import affine, sigmoid, split

CASES = {"rg_lru": RGLRU()}


def step(p, x, states, cell):
    (h,) = states
    r, i, v = split(affine(p, x), 3)
    r = sigmoid(r)  # r_t = sigma(W_a x_t + b_a)
    i = sigmoid(i)  # i_t = sigma(W_x x_t + b_x)
    # a_t = a^(c r_t), c = 8; in the code log a_t = -c softplus(Lambda) * r_t
    a = np.exp(-8 * np.log1p(np.exp(p["lambda_l0"])) * r)
    h = a * h + np.sqrt(1 - a**2) * (i * v)
    return h, (h,)


def start(p, cell):
    square = sigmoid(-p["lambda_l0"]) ** 2
    assert 0.81 - 1e-4 <= square.min() < 0.812 < 0.996 < square.max() <= 0.999**2 + 1e-4
    assert abs(square.mean() - (0.81 + 0.999**2) / 2) < 0.01
    assert abs(p["weight_ih_l0"].std() - 1 / 8) < 0.002  # 64 features
    assert not p["bias_ih_l0"].any()
