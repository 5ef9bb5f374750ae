"""Measure at each time step the gradient, what is left of the cue, and how open gates are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from rnnbench.diagnose.network import Unrolled
from rnnbench.task import Batch, Task
from rnnbench.training.streams import diagnosing

Measured = dict[str, Any]
TOTAL = "total"
GRADIENT_SEQUENCES = 256
SEQUENCES_AT_ONCE = 64  # the graph over all time steps is kept in memory for so many
FOLDS = 4
# A trace of 1e-9 exists in float64 but is of no use to a network that reads with float32 weights of
# ordinary size: what lies far below this share of a tanh unit's range counts as lost.
NOISE = 0.01
# A single unit may carry all that is remembered, so the most open one is there too.
QUANTILES = {"q10": 0.1, "q50": 0.5, "q90": 0.9, "max": 1.0}
DIGITS = 4


class Answer(NamedTuple):
    """Name the answer whose loss is followed back in time.

    Attributes:
        place: among the K answers.
        cue_time: time step of the oldest input that it needs.
        read_time: time step at which it is read.
    """

    place: int
    cue_time: int
    read_time: int


def oldest_answer(task: Task) -> Answer:
    """Return the answer of the greatest distance, the first of several.

    Raises:
        ValueError: the task has none that needs memory.
    """
    rows = enumerate(task.dependencies().tolist())
    answers = [Answer(place, cue, read) for place, (cue, read) in rows if cue >= 0]
    if not answers:
        raise ValueError(f"task must have an answer that needs memory, got {type(task).__name__}")
    return max(answers, key=lambda answer: answer.read_time - answer.cue_time)


def measure_network(
    network: Unrolled, task: Task, batch: Batch, answer: Answer, keep_gate: str | None
) -> Measured:
    """Measure gradient, recoverable cue and gates of a network, as plain numbers.

    Args:
        network: its gates are measured where it records any.
        batch: inputs in the network's dtype; gradients use the first GRADIENT_SEQUENCES.
        keep_gate: the gate whose half-life is measured; None for none.

    Returns:
        `gradient`: for each state and in total, a norm per time step up to the read-out.
        `cue`: how much of it is recoverable at each time step; None where the task has no cue.
        `gates`: for each gate the mean, and quantiles over units, at each time step; a unit's
        value is its mean over sequences, and units of all layers count. `half_life`: quantiles
        over units, in time steps.
    """
    few = Batch(*(tensor[:, :GRADIENT_SEQUENCES] for tensor in batch))
    norms = gradient_norms(network, task, few, answer)
    cue, noise = task.cue(batch), diagnosing(1)
    told: list[float] = []
    opened: dict[str, list[Tensor]] = {}
    kept: list[Tensor] = []
    with torch.no_grad():
        for time, moment in enumerate(network.run(batch.inputs[: answer.read_time + 1])):
            if cue is not None:
                states = torch.cat([_by_sequence(state) for state in moment.states], 1)
                told.append(recoverable(states, cue, noise))
            for name, gate in moment.gates.items():
                opened.setdefault(name, []).append(_by_sequence(gate).mean(0))
            if keep_gate is not None and keep_gate in moment.gates and time > answer.cue_time:
                kept.append(_by_sequence(moment.gates[keep_gate]).log().mean(0))
    return {
        "gradient": {name: _plain(values) for name, values in norms.items()},
        "cue": None if cue is None else _plain(told),
        "gates": {name: _over_units(torch.stack(means)) for name, means in opened.items()},
        "half_life": _half_life(torch.stack(kept)) if kept else None,
    }


def gradient_norms(
    network: Unrolled, task: Task, batch: Batch, answer: Answer
) -> dict[str, Tensor]:
    """Return the norm of dL/ds_t over units, as a mean over sequences, for every time step t.

    L is a sequence's loss at one answer, so that the lag of time step t is exactly
    `read_time - t`. A gradient goes through everything after t: for LSTM, dL/dh_t with c_t fixed
    and dL/dc_t with h_t fixed. Units of all layers count as one vector. Where the read-out sees
    no state, as in S6, the total at lag 0 is the gradient of what it does see. This is what
    vanishes or explodes in Hochreiter (1991), Bengio et al. (1994, doi:10.1109/72.279181) and
    Pascanu et al. (2013, arXiv:1211.5063), who bound it by the product of the Jacobians between t
    and the read-out.

    Returns:
        By state, and for all states together under `TOTAL`: `(read_time + 1,)`.
    """
    size = batch.inputs.shape[1]
    sums: dict[str, Tensor] = {}
    for start in range(0, size, SEQUENCES_AT_ONCE):
        part = slice(start, start + SEQUENCES_AT_ONCE)
        own = Batch(batch.inputs[:, part], batch.targets[:, part])
        for name, norms in _norms(network, task, own, answer).items():
            sums[name] = sums.get(name, torch.zeros(())) + norms.sum(-1)
    return {name: total / size for name, total in sums.items()}


def _norms(network: Unrolled, task: Task, batch: Batch, answer: Answer) -> dict[str, Tensor]:
    """Return the norms of every time step and sequence, `(read_time + 1, B)`."""
    place, _, read_time = answer
    with torch.enable_grad():
        moments = list(network.run(batch.inputs[: read_time + 1]))
        outputs = network.read_out(moments[-1])[None]
        loss = task.loss(outputs, batch.targets[place : place + 1])
    # Sequences do not affect one another: the gradient of the sum holds that of each one's loss.
    total = loss * batch.inputs.shape[1]
    asked = [state for moment in moments for state in moment.states]
    *gradients, read = torch.autograd.grad(
        total, [*asked, moments[-1].outputs], materialize_grads=True
    )
    squares = torch.stack([gradient.square().sum((0, 2)) for gradient in gradients])
    by_state = squares.view(len(moments), len(network.state_names), -1)
    names = zip(network.state_names, by_state.sqrt().unbind(1), strict=True)
    whole = by_state.sum(1).sqrt()
    whole[-1] = torch.where(whole[-1] > 0, whole[-1], read.square().sum(-1).sqrt())
    return {**dict(names), TOTAL: whole}


def recoverable(states: Tensor, cue: Tensor, generator: Generator) -> float:
    """Return how well a linear read-out finds the cue: 0 is chance, 1 is perfect, not clipped.

    The read-out is a ridge regression on the cue; on its classes as zeros and ones, of which the
    greatest is chosen (Hastie et al., 2009, section 4.2). It is fitted on three quarters of the
    sequences and tested on the other, four times, so that each sequence is tested once. States
    are read with noise of standard deviation NOISE added, and the ridge is the same noise once
    more (Bishop, 1995, doi:10.1162/neco.1995.7.1.108).

    Args:
        states: `(B, D)`: all states, layers and units of one time step.
        cue: `(B,)`: classes (int64), measured by accuracy above that of always naming the class
            that was most frequent in the fit; or values (float), measured by R^2.
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
    """Return R^2: the share of the held-out values' spread that is predicted."""
    error, spread = 0.0, 0.0
    for fold in range(FOLDS):
        fitted, held = folds != fold, folds == fold
        told = _predict(seen, values[:, None], fitted)[held, 0]
        error += float((values[held] - told).square().sum())
        spread += float((values[held] - values[fitted].mean()).square().sum())
    return 1 - error / spread


def _predict(seen: Tensor, answers: Tensor, fitted: Tensor) -> Tensor:
    """Fit on some sequences, and return the prediction for all of them, `(B, N)`."""
    center, middle = seen[fitted].mean(0), answers[fitted].mean(0)
    x, y = seen[fitted] - center, answers[fitted] - middle
    ridge = len(x) * NOISE**2 * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    weights: Tensor = torch.linalg.solve(x.T @ x + ridge, x.T @ y)
    return (seen - center) @ weights + middle


def _by_sequence(tensor: Tensor) -> Tensor:
    """Turn `(layers, B, H)` into `(B, layers * H)`."""
    return tensor.transpose(0, 1).flatten(1)


def _over_units(means: Tensor) -> Measured:
    """Return mean and quantiles over units `(T, D)` at each time step."""
    quantiles = {name: means.quantile(share, dim=1) for name, share in QUANTILES.items()}
    return {name: _plain(values) for name, values in {"mean": means.mean(1), **quantiles}.items()}


def _half_life(logs: Tensor) -> Mapping[str, float | None]:
    """Return after how many time steps a gate alone leaves half of a unit's old state.

    That is ln 2 / -mean ln f, with the mean over sequences and over the time steps since the cue,
    `(T, D)`, since the factors f multiply.
    """
    lives = math.log(2) / -logs.mean(0)
    shares = torch.tensor(list(QUANTILES.values()), dtype=lives.dtype, device=lives.device)
    return dict(zip(QUANTILES, _plain(lives.quantile(shares)), strict=True))


def _plain(values: Tensor | list[float]) -> list[float]:
    """Return numbers rounded to DIGITS significant digits."""
    numbers = values.tolist() if isinstance(values, Tensor) else values
    return [float(f"{number:.{DIGITS}g}") for number in numbers]
