"""Ronca (2026, arXiv:2605.06384), the MinMax recurrence."""

import numpy as np

from rnnbench.cells import MinMax

from . import affine, split

CASES = {"minmax": MinMax()}


def step(p, x, states, cell):
    (h,) = states
    r, s = split(affine(p, x), 2)
    h = np.maximum(np.minimum(r, h), s)  # x_{t+1} = max(min(r_t, x_t), s_t)
    return h, (h,)
