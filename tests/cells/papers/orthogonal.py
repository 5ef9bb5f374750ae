"""Helfrich et al. (2018, arXiv:1707.09520): scoRNN, W = (I + A)^-1 (I - A) D."""

import numpy as np

from rnnbench.cells import Orthogonal

CASES = {
    "orthogonal": Orthogonal(),
    "orthogonal without negatives": Orthogonal(negatives=0.0),
    "orthogonal of a tenth negatives": Orthogonal(negatives=0.1),
}


def step(p, x, states, cell):
    (h,) = states
    z = x @ p["weight_ih_l0"].T + h @ recurrent(p, cell.negatives).T  # U x_t + W h_{t-1}
    h = np.where(z == 0, 0, z / abs(z)) * np.maximum(abs(z) + p["b_l0"], 0)  # modReLU
    return h, (h,)


def recurrent(p, negatives):
    size = len(p["b_l0"])
    a = np.zeros((size, size))
    a[np.triu_indices(size, 1)] = p["skew_l0"]
    a -= a.T
    count = round(negatives * size)
    d = np.diag([1.0] * (size - count) + [-1.0] * count)
    return np.linalg.inv(np.eye(size) + a) @ (np.eye(size) - a) @ d


def start(p, cell):
    assert abs(p["weight_ih_l0"]).max() <= 0.01 < 1.01 * abs(p["weight_ih_l0"]).max()
    assert not p["b_l0"].any()
    w = recurrent(p, cell.negatives)
    np.testing.assert_allclose(w @ w.T, np.eye(512), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(w), (-1.0) ** round(512 * cell.negatives))
    turned = recurrent(p, 0.0)  # W D: blocks that turn by angles from U[0, pi / 2]
    blocks = turned.reshape(256, 2, 256, 2)[range(256), :, range(256)]
    angles = np.arctan2(blocks[:, 0, 1], blocks[:, 0, 0])
    assert np.count_nonzero(abs(turned) > 1e-9) == 4 * 256
    assert 0 <= angles.min() < 0.03 and 1.54 < angles.max() <= np.pi / 2
    assert np.isclose(angles.mean(), np.pi / 4, atol=0.1)
