"""Zhou et al. (2016, arXiv:1603.09420): "Minimal Gated Unit"; its f_t is 1 - k here."""

import numpy as np

from rnnbench.cells import MGU

from . import affine, sigmoid, split

CASES = {"mgu": MGU()}


def step(p, x, states, cell):
    (h,) = states
    k_x, n_x = split(affine(p, x), 2)
    forget = sigmoid(-(k_x + affine(p, h, "hh")))  # f_t = sigma(W_f [h_{t-1}, x_t] + b_f)
    new = np.tanh(n_x + affine(p, forget * h, "fh"))  # h~_t = tanh(W_h [f_t * h_{t-1}, x_t] + b_h)
    h = (1 - forget) * h + forget * new
    return h, (h,)
