"""Rusch & Mishra (2021, arXiv:2010.00951), equation 3: coRNN, with the old z damped."""

import numpy as np

from rnnbench.cells import CoRNN

from . import affine

CASES = {"cornn": CoRNN(), "cornn with other settings": CoRNN(dt=0.06, gamma=66.0, epsilon=15.0)}


def step(p, x, states, cell):
    y, z = states
    drive = np.tanh(affine(p, y, "hh") + affine(p, z, "z") + affine(p, x))
    z = z + cell.dt * drive - cell.dt * cell.gamma * y - cell.dt * cell.epsilon * z
    y = y + cell.dt * z
    return y, (y, z)


def start(p, cell):
    bound = (64 + 2 * 512) ** -0.5  # nn.Linear(n_inp + n_hid + n_hid, n_hid)
    for name in ("weight_ih_l0", "weight_hh_l0", "weight_z_l0", "bias_ih_l0"):
        assert 0.98 * bound < abs(p[name]).max() <= bound * (1 + 1e-6)
        assert np.isclose(p[name].std(), bound / 3**0.5, rtol=0.06)
    assert not p["bias_hh_l0"].any()
