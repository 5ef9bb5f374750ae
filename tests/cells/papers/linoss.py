"""Rusch & Rus (2024, arXiv:2410.03943), LinOSS-IM and LinOSS-IMEX; start: the authors' code."""

import numpy as np

from rnnbench.cells import LinOSS

from . import affine, sigmoid, split

CASES = {"linoss": LinOSS(), "linoss imex": LinOSS(discretization="IMEX")}


def step(p, x, states, cell):
    y, z = states[0] + 1j * states[2], states[1] + 1j * states[3]
    real, imaginary = split(affine(p, x), 2)
    bu = real + 1j * imaginary
    a, dt = np.maximum(p["a_l0"], 0), sigmoid(p["d_l0"])
    if cell.discretization == "IM":
        s = 1 / (1 + dt**2 * a)  # the Schur complement S
        m = [[1 - dt**2 * a * s, -dt * a * s], [dt * s, s]]
        f = [m[0][0] * bu * dt, m[1][0] * bu * dt]
    else:
        m = [[np.ones_like(a), -dt * a], [dt, 1 - dt**2 * a]]
        f = [bu * dt, bu * dt**2]
    # x_n = M x_{n-1} + F_n, x = [z, y]
    z, y = m[0][0] * z + m[0][1] * y + f[0], m[1][0] * z + m[1][1] * y + f[1]
    return np.concatenate([y.real, y.imag], -1), (y.real, z.real, y.imag, z.imag)


def start(p, cell):
    for name in ("a_l0", "d_l0"):
        assert 0 <= p[name].min() < 0.02 < 0.98 < p[name].max() <= 1
        assert abs(p[name].mean() - 0.5) < 0.05
    assert np.abs(p["weight_ih_l0"]).max() <= 1 / 8  # 64 features
    assert abs(p["weight_ih_l0"].std() - 1 / 8 / 3**0.5) < 0.001
    assert not p["bias_ih_l0"].any()
