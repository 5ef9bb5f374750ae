"""How much of a cue a linear read-out can still recover from a state, on sequences held out."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

FOLDS = 4
# A trace of 1e-9 is still there in float64 but of no use to a network that reads with float32
# weights of ordinary size: what lies far below this share of a tanh unit's range counts as lost.
NOISE = 0.01


def recoverable(states: Tensor, cue: Tensor, generator: Generator) -> float:
    """Return how well a linear read-out tells the cue: 0 is chance, 1 is perfect, not clipped.

    The read-out is a ridge regression on the cue, or on its classes as zeros and ones of which
    the greatest is chosen (Hastie et al., 2009, section 4.2). It is fitted on three quarters of
    the sequences and judged on the other, four times, so that each is judged once and never by a
    fit that has seen it. States are read with noise of standard deviation NOISE added, and the
    ridge is the same noise once more (Bishop, 1995, doi:10.1162/neco.1995.7.1.108).

    Args:
        states: `(B, D)`: all states, layers and units of one time step.
        cue: `(B,)`: classes (int64), for which accuracy is corrected for always naming the class
            that was most frequent in the fit; or values (float), for which it is R^2.
        generator: of the noise.
    """
    noise = torch.randn(states.shape, generator=generator, dtype=torch.float64)
    seen = states.double() + NOISE * noise.to(states.device)
    folds = torch.arange(len(cue), device=cue.device) % FOLDS
    if cue.is_floating_point():
        return _explained(seen, cue.double(), folds)
    classes = int(cue.max()) + 1
    answers = functional.one_hot(cue, classes).double()
    right, lucky = 0.0, 0.0
    for fold in range(FOLDS):
        fitted, held = folds != fold, folds == fold
        scores = _predict(seen, answers, fitted)[held]
        right += float((scores.argmax(1) == cue[held]).sum())
        commonest = cue[fitted].bincount(minlength=classes).argmax()
        lucky += float((cue[held] == commonest).sum())
    return (right - lucky) / (len(cue) - lucky)


def _explained(seen: Tensor, values: Tensor, folds: Tensor) -> float:
    """Return R^2: the share of the held-out values' spread that is told."""
    error, spread = 0.0, 0.0
    for fold in range(FOLDS):
        fitted, held = folds != fold, folds == fold
        told = _predict(seen, values[:, None], fitted)[held, 0]
        error += float((values[held] - told).square().sum())
        spread += float((values[held] - values[fitted].mean()).square().sum())
    return 1 - error / spread


def _predict(seen: Tensor, answers: Tensor, fitted: Tensor) -> Tensor:
    """Fit on some sequences and return what is told of all of them, `(B, N)`."""
    center, middle = seen[fitted].mean(0), answers[fitted].mean(0)
    x, y = seen[fitted] - center, answers[fitted] - middle
    ridge = len(x) * NOISE**2 * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    weights: Tensor = torch.linalg.solve(x.T @ x + ridge, x.T @ y)
    return (seen - center) @ weights + middle
