"""Turkoglu et al. (2021, arXiv:1911.11033): the STAR cell; its K_t is 1 - f here."""

import numpy as np

from rnnbench.cells import STAR

from . import affine, sigmoid, split

CASES = {"star": STAR()}


def step(p, x, states, cell):
    (h,) = states
    z_x, f_x = split(affine(p, x), 2)
    gate = sigmoid(-(f_x + affine(p, h, "hh")))  # K_t = sigma(W_K x_t + U_K h_{t-1} + b_K)
    z = np.tanh(z_x)  # z_t = tanh(W_z x_t + b_z)
    h = np.tanh((1 - gate) * h + gate * z)
    return h, (h,)


def start(p, cell):
    for matrix in (*np.split(p["weight_ih_l0"], 2), p["weight_hh_l0"]):
        narrow = matrix.shape[1]
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(narrow), atol=1e-5)
    assert not p["bias_ih_l0"].any()
    longest = np.exp(p["bias_hh_l0"])  # log U[1, T_max - 1], T_max 100
    assert 1 <= longest.min() < 2 and 98 < longest.max() <= 99.001
    assert np.isclose(longest.mean(), 50, atol=4)
