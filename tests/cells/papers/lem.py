"""Rusch et al. (2022, arXiv:2110.04744), equation 3: LEM."""

import numpy as np

from rnnbench.cells import LEM

from . import affine, split

CASES = {"lem": LEM(), "lem with a short step": LEM(dt=0.3)}


def step(p, x, states, cell):
    y, z = states
    d_x, e_x, z_x, y_x = split(affine(p, x), 4)
    d_y, e_y, z_y = split(affine(p, y, "hh"), 3)
    slow = cell.dt * squashed(d_x + d_y)  # Dt_n = Dt sigma^(W_1 y_{n-1} + V_1 u_n + b_1)
    fast = cell.dt * squashed(e_x + e_y)  # Dt-bar_n = Dt sigma^(W_2 y_{n-1} + V_2 u_n + b_2)
    z = (1 - slow) * z + slow * np.tanh(z_x + z_y)  # W_z y_{n-1} + V_z u_n + b_z
    y = (1 - fast) * y + fast * np.tanh(affine(p, z, "new") + y_x)  # W_y z_n + V_y u_n + b_y
    return y, (y, z)


def squashed(u):
    return 0.5 * (1 + np.tanh(u / 2))
