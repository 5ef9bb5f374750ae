"""Gu & Dao (2023, arXiv:2312.00752), algorithm 2 with N = 1; start: the authors' mamba_simple."""

import numpy as np

from rnnbench.cells import S6

from . import affine, split

CASES = {"s6": S6()}


def step(p, x, states, cell):
    (h,) = states
    delta, b, c, u = split(affine(p, x), 4)
    delta = np.log1p(np.exp(delta))  # tau_Delta = softplus
    a = -np.exp(p["a_log_l0"])
    a_bar, b_bar = np.exp(delta * a), delta * b  # equation 4, B by Euler's rule as in the code
    h = a_bar * h + b_bar * u  # equation 2a
    return c * h, (h,)  # equation 2b


def start(p, cell):
    d, *others = split(p["bias_ih_l0"], 4)
    delta = np.log10(np.log1p(np.exp(d)))
    assert -3 - 1e-4 <= delta.min() < -2.97 < -1.03 < delta.max() <= -1 + 1e-4
    assert abs(delta.mean() + 2) < 0.06
    assert not np.any(others)
    assert (np.exp(p["a_log_l0"]) == 1).all()
    assert np.abs(p["weight_ih_l0"]).max() <= 1 / 8  # 64 features
    assert abs(p["weight_ih_l0"].std() - 1 / 8 / 3**0.5) < 0.001
