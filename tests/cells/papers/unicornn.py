"""Rusch & Mishra (2021, arXiv:2103.05487): one layer of UnICORNN."""

import numpy as np

from rnnbench.cells import UnICORNN

from . import affine

CASES = {"unicornn": UnICORNN(), "unicornn with other settings": UnICORNN(dt=0.5, alpha=0.0)}


def step(p, x, states, cell):
    y, z = states
    step = cell.dt * (0.5 + 0.5 * np.tanh(p["c_l0"] / 2))  # Dt sigma^(c)
    z = z - step * (np.tanh(p["w_l0"] * y + affine(p, x)) + cell.alpha * y)
    y = y + step * z
    return y, (y, z)


def start(p, cell):
    # kaiming_uniform_(a=8, fan_in): gain sqrt(2 / (1 + a^2)), bound gain sqrt(3 / fan_in).
    bound = (2 / (1 + 8**2)) ** 0.5 * (3 / 64) ** 0.5
    ranges = {"weight_ih_l0": (-bound, bound), "w_l0": (0, 1), "c_l0": (-0.1, 0.1)}
    for name, (least, most) in ranges.items():
        width = most - least
        assert least <= p[name].min() < least + 0.02 * width, name
        assert most - 0.02 * width < p[name].max() <= most * (1 + 1e-6), name
        assert np.isclose(p[name].std(), width / 12**0.5, rtol=0.06), name
    assert not p["bias_ih_l0"].any()
