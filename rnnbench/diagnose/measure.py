"""All that is measured of one network at one moment of its life: before or after training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rnnbench.diagnose.gradient import Answer, gradient_norms
from rnnbench.diagnose.read_out import recoverable
from rnnbench.diagnose.unroll import Unrolled
from rnnbench.streams import diagnosing
from rnnbench.task import Batch, Task

Measured = dict[str, Any]
GRADIENT_SEQUENCES = 256
# A single unit may be the conveyor belt that all depends on: so the most open one is there too.
QUANTILES = {"q10": 0.1, "q50": 0.5, "q90": 0.9, "max": 1.0}
DIGITS = 4


def measure(
    network: Unrolled, task: Task, batch: Batch, answer: Answer, keep_gate: str | None
) -> Measured:
    """Return gradient, recoverable cue and gates of a network, as plain numbers.

    Args:
        network: whose gates are recorded where it has any.
        task: of the sequences.
        batch: inputs in the network's dtype; gradients are taken on the first of them.
        answer: whose loss and cue are followed.
        keep_gate: the gate whose half-life is asked for, or None.

    Returns:
        `gradient`: for each state and in total, a norm per time step up to the read-out.
        `cue`: what is recoverable of it at each time step; None where the task does not tell it.
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


def _by_sequence(tensor: Tensor) -> Tensor:
    """Turn `(layers, B, H)` into `(B, layers * H)`."""
    return tensor.transpose(0, 1).flatten(1)


def _over_units(means: Tensor) -> Measured:
    """Summarise the gates of units `(T, D)` by a mean and quantiles at each time step."""
    quantiles = {name: means.quantile(share, dim=1) for name, share in QUANTILES.items()}
    return {name: _plain(values) for name, values in {"mean": means.mean(1), **quantiles}.items()}


def _half_life(logs: Tensor) -> Mapping[str, float | None]:
    """Return after how many time steps the gates alone have kept half of a unit's old state.

    ln 2 / -mean ln f, the mean over sequences and over the time steps since the cue, `(T, D)`:
    that is what the factors multiply to.
    """
    lives = math.log(2) / -logs.mean(0)
    shares = torch.tensor(list(QUANTILES.values()), dtype=lives.dtype, device=lives.device)
    return dict(zip(QUANTILES, _plain(lives.quantile(shares)), strict=True))


def _plain(values: Tensor | list[float]) -> list[float]:
    """Return numbers with as many digits as they are worth."""
    numbers = values.tolist() if isinstance(values, Tensor) else values
    return [float(f"{number:.{DIGITS}g}") for number in numbers]
