"""Van der Westhuizen & Lasenby (2018, arXiv:1804.04849): "JANET", by its four equations."""

import numpy as np

from rnnbench.cells import JANET

from . import affine, sigmoid, split

CASES = {"janet": JANET()}


def step(p, x, states, cell):
    (h,) = states
    beta = 1
    s, candidate = split(affine(p, x) + affine(p, h, "hh"), 2)  # s_t = U_f h_{t-1} + W_f x_t + b_f
    candidate = np.tanh(candidate)  # c~_t = tanh(U_c h_{t-1} + W_c x_t + b_c)
    c = sigmoid(s) * h + (1 - sigmoid(s - beta)) * candidate
    return c, (c,)  # h_t = c_t


def start(p, cell):
    size, features = 512, 64
    for name, bound in (("ih", 6 / (features + 2 * size)), ("hh", 6 / (3 * size))):
        weight = p[f"weight_{name}_l0"]
        assert 0.99 * bound < np.max(weight**2) <= bound * (1 + 1e-6)
        assert np.isclose(np.var(weight), bound / 3, rtol=0.02)
    assert not p["bias_ih_l0"].any()
    s, c = split(p["bias_hh_l0"], 2)
    assert not c.any()
    longest = np.exp(s)  # log U[1, T_max - 1], T_max 100
    assert 1 <= longest.min() < 2 and 98 < longest.max() <= 99.001
    assert np.isclose(longest.mean(), 50, atol=4)
