"""Beck et al. (2024, arXiv:2405.04517), equations 8 to 17; start: the authors' sLSTMCell."""

import numpy as np

from rnnbench.cells import SLSTM

from . import affine, sigmoid, split

CASES = {"slstm": SLSTM(), "slstm of three heads": SLSTM(heads=3)}


def heads_of(cell, units):
    return np.array_split(np.arange(units), cell.heads)


def legal(states):
    """Make n at least 1 and c a part of it, and the first sequence one that has not begun."""
    h, c, n, m = states
    n = 1 + n**2
    states = h, c.sin() * n, n, m
    for state in states:
        state[:, 0] = 0
    return list(states)


def step(p, x, states, cell):
    h, c, n, m = states
    recurrent = np.zeros_like(p["weight_hh_l0"])
    units = h.shape[-1]
    for head in heads_of(cell, units):  # section 2.2: memory mixing within a head alone
        for gate in range(4):
            rows = np.ix_(gate * units + head, head)
            recurrent[rows] = p["weight_hh_l0"][rows]
    i, f, z, o = split(affine(p, x) + h @ recurrent.T + p["bias_hh_l0"], 4)
    z, log_f = np.tanh(z), np.log(sigmoid(f))
    m_new = np.where(n == 0, i, np.maximum(log_f + m, i))  # 15; as the code has it at n = 0
    i, f = np.exp(i - m_new), np.exp(log_f + m - m_new)  # 16, 17
    c = f * c + i * z  # 8
    n = f * n + i  # 9
    h = sigmoid(o) * c / n  # 10
    return h, (h, c, n, m_new)


def start(p, cell):
    units = p["weight_hh_l0"].shape[-1]
    assert not p["weight_hh_l0"].any()
    assert not p["bias_ih_l0"].any()
    i, f, z, o = split(p["bias_hh_l0"], 4)
    assert not np.any([i, z, o])
    for head in heads_of(cell, units):
        expected = -(-5 + 12 * (np.arange(len(head)) / (len(head) - 1)) ** 0.3)
        np.testing.assert_allclose(f[head], expected, atol=1e-5)
    assert abs(p["weight_ih_l0"].std() - (2 / (5 * 64)) ** 0.5) < 0.001  # small init, 64 features
