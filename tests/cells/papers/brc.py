"""Vecoven et al. (2021, doi:10.1371/journal.pone.0252676): BRC, and nBRC with neuromodulation."""

import numpy as np

from rnnbench.cells import BRC, NBRC

from . import affine, sigmoid, split

CASES = {"brc": BRC(), "nbrc": NBRC()}


def step(p, x, states, cell):
    (h,) = states
    a, c, u = split(affine(p, x), 3)  # U_a x_t, U_c x_t, U x_t
    if isinstance(cell, NBRC):
        a_h, c_h = split(affine(p, h, "hh"), 2)  # W_a h_{t-1}, W_c h_{t-1}
    else:
        a_h, c_h = p["w_a_l0"] * h, p["w_c_l0"] * h
    a = 1 + np.tanh(a + a_h)
    c = sigmoid(c + c_h)
    h = c * h + (1 - c) * np.tanh(u + a * h)
    return h, (h,)


def start(p, cell):
    weight, bound = p["weight_ih_l0"], (6 / (64 + 512)) ** 0.5
    assert 0.99 * bound < abs(weight).max() <= bound * (1 + 1e-6)
    assert np.isclose(weight.std(), bound / 3**0.5, rtol=0.02)
    assert not p["bias_ih_l0"].any() and not p["bias_hh_l0"].any()
    if isinstance(cell, NBRC):
        for matrix in np.split(p["weight_hh_l0"], 2):
            np.testing.assert_allclose(matrix @ matrix.T, np.eye(512), atol=1e-5)
    else:
        assert (p["w_a_l0"] == 1).all() and (p["w_c_l0"] == 1).all()
