"""Cho et al. (2014, arXiv:1406.1078), section 2.3, equations 5 to 8; start: section 4.1.1."""

import numpy as np

from rnnbench.cells import PublishedGRU

from . import affine, sigmoid, split

CASES = {"published gru": PublishedGRU()}


def step(p, x, states, cell):
    (h,) = states
    r_x, z_x, n_x = split(affine(p, x), 3)
    r_h, z_h = split(affine(p, h, "hh"), 2)
    r = sigmoid(r_x + r_h)  # (5)
    z = sigmoid(z_x + z_h)  # (6)
    new = np.tanh(n_x + affine(p, r * h, "rh"))  # (8)
    h = z * h + (1 - z) * new  # (7)
    return h, (h,)


def start(p, cell):
    weight = p["weight_ih_l0"]
    assert np.isclose(weight.std(), 0.01, rtol=0.02)
    assert abs(weight.mean()) < 1e-4
    assert abs(weight).max() > 0.03  # normal, not uniform
    for matrix in (*np.split(p["weight_hh_l0"], 2), p["weight_rh_l0"]):
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(512), atol=1e-5)
    assert not p["bias_ih_l0"].any() and not p["bias_hh_l0"].any()
