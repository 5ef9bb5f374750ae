"""The interquartile mean: as robust as a median, nearly as sharp as a mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def interquartile_mean(values: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of the middle half along the last axis.

    Agarwal et al. (2021, arXiv:2108.13264); a quarter of the values, rounded down, is left out at
    each end, as scipy.stats.trim_mean does it.
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    out = ordered.shape[-1] // 4
    middle: NDArray[np.float64] = ordered[..., out : ordered.shape[-1] - out].mean(-1)
    return middle
