"""Orvieto et al. (2023, arXiv:2303.06349), section 3; start: the authors' minimal-LRU."""

import numpy as np

from rnnbench.cells import LRU

from . import affine, split

CASES = {
    "lru": LRU(),
    "lru on a ring": LRU(r_min=0.9, r_max=0.99, max_phase=0.3),
}


def eigenvalues(p):
    # Lambda = diag(exp(-exp(nu_log) + i exp(theta_log)))
    return np.exp(-np.exp(p["nu_l0"]) + 1j * np.exp(p["theta_l0"]))


def step(p, x, states, cell):
    h = states[0] + 1j * states[1]
    real, imaginary = split(affine(p, x), 2)
    # h_k = Lambda h_{k-1} + exp(gamma_log) * (B u_k); y_k = Re(C h_k) is the read-out's
    h = eigenvalues(p) * h + np.exp(p["gamma_log_l0"]) * (real + 1j * imaginary)
    return np.concatenate([h.real, h.imag], -1), (h.real, h.imag)


def start(p, cell):
    found = eigenvalues(p)
    square, angle = np.abs(found) ** 2, np.angle(found) % (2 * np.pi)
    low, high = cell.r_min**2, cell.r_max**2
    for drawn, least, most in ((square, low, high), (angle, 0, cell.max_phase)):
        width = most - least
        assert least - 1e-6 <= drawn.min() < least + 0.02 * width
        assert most - 0.02 * width < drawn.max() <= most + 1e-6
        assert abs(drawn.mean() - (least + most) / 2) < 0.05 * width
    np.testing.assert_allclose(np.exp(2 * p["gamma_log_l0"]) + square, 1, atol=1e-5)
    assert abs(p["weight_ih_l0"].std() - 128**-0.5) < 0.002  # 64 features
    assert not p["bias_ih_l0"].any()
