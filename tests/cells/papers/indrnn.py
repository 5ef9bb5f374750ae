"""Li et al. (2018, arXiv:1803.04831); start: the authors' pixelMNIST networks."""

import numpy as np

from rnnbench.cells import IndRNN

from . import affine

CASES = {"indrnn": IndRNN()}


def step(p, x, states, cell):
    (h,) = states
    h = np.maximum(affine(p, x) + p["u_l0"] * h, 0)  # h_t = sigma(W x_t + u * h_{t-1} + b)
    return h, (h,)


def start(p, cell):
    over_the_gap = p["u_l0"] ** 100  # a state's growth, the input aside
    assert over_the_gap.min() >= 0.2 * (1 - 1e-4)
    assert over_the_gap.max() <= 5 * (1 + 1e-4)
    assert abs(np.median(p["u_l0"]) - 1) < 0.002
    assert np.abs(p["weight_ih_l0"]).max() <= 1 / 8
    assert abs(p["weight_ih_l0"].std() - 1 / 8 / 3**0.5) < 0.001
    assert not p["bias_ih_l0"].any()
