"""Feng et al. (2024, arXiv:2410.01201), sections 3.1 and 3.2; g of appendix B."""

import numpy as np

from rnnbench.cells import MinGRU, MinLSTM

from . import affine, sigmoid, split

CASES = {"mingru": MinGRU(), "minlstm": MinLSTM()}


def g(u):
    return np.where(u >= 0, u + 0.5, sigmoid(u))


def step(p, x, states, cell):
    (h,) = states
    if isinstance(cell, MinGRU):
        minus_z, n = split(affine(p, x), 2)  # the cell's gate keeps: its rows are -W_z, -b_z
        z = sigmoid(-minus_z)  # z_t = sigma(Linear(x_t))
        h = (1 - z) * h + z * g(n)  # h_t = (1 - z_t) h_{t-1} + z_t h~_t
    else:
        f, i, n = split(affine(p, x), 3)
        f, i = sigmoid(f), sigmoid(i)
        f, i = f / (f + i), i / (f + i)  # f'_t, i'_t
        h = f * h + i * g(n)  # h_t = f'_t h_{t-1} + i'_t h~_t
    return h, (h,)


def start(p, cell):
    for name in ("weight_ih_l0", "bias_ih_l0"):  # nn.Linear of 64 features
        assert np.abs(p[name]).max() <= 1 / 8
        assert abs(p[name].std() - 1 / 8 / 3**0.5) < 0.003
        assert abs(p[name].mean()) < 0.01
