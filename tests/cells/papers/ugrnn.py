"""Collins et al. (2017, arXiv:1611.09913), section 2: "Update Gate RNN"."""

import numpy as np

from rnnbench.cells import UGRNN

from . import affine, sigmoid, split

CASES = {"ugrnn": UGRNN()}


def step(p, x, states, cell):
    (h,) = states
    c, g = split(affine(p, x) + affine(p, h, "hh"), 2)
    c = np.tanh(c)  # c_t = s(W^ch h_{t-1} + W^cx x_t + b^c)
    g = sigmoid(g)  # g_t = sigma(W^gh h_{t-1} + W^gx x_t + b^g); b^fg is in b^g
    h = g * h + (1 - g) * c  # h_t = g_t h_{t-1} + (1 - g_t) c_t
    return h, (h,)
