"""How much the loss of one answer still depends on the state of each earlier time step."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rnnbench.diagnose.unroll import Unrolled
from rnnbench.task import Batch, Task

TOTAL = "total"
SEQUENCES_AT_ONCE = 64  # a graph over all time steps is kept for so many


class Answer(NamedTuple):
    """The answer whose loss is followed back: the first one with a distance.

    Attributes:
        place: among the K answers.
        cue_time: time step of the oldest input it needs.
        read_time: time step at which it is read.
    """

    place: int
    cue_time: int
    read_time: int


def first_answer(task: Task) -> Answer:
    """Return the first answer that needs memory.

    Raises:
        ValueError: the task has none.
    """
    for place, (cue_time, read_time) in enumerate(task.dependencies().tolist()):
        if cue_time >= 0:
            return Answer(place, cue_time, read_time)
    raise ValueError(f"task must have an answer that needs memory, got {type(task).__name__}")


def gradient_norms(
    network: Unrolled, task: Task, batch: Batch, answer: Answer
) -> dict[str, Tensor]:
    """Return the norm of dL/ds_t over units, its mean over sequences, for every time step t.

    L is a sequence's loss at the one answer, so that the lag of time step t is exactly
    `read_time - t`. A gradient goes through everything that follows t: of LSTM, dL/dh_t with c_t
    held and dL/dc_t with h_t held, t being over. Units of all layers count as one vector. This
    is what vanishes or explodes in Hochreiter (1991), Bengio et al. (1994,
    doi:10.1109/72.279181) and Pascanu et al. (2013, arXiv:1211.5063), who bound it by the
    product of the Jacobians between t and the read-out.

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
    # Sequences do not touch one another: the sum's gradient holds that of each one's own loss.
    total = loss * batch.inputs.shape[1]
    asked = [state for moment in moments for state in moment.states]
    gradients = torch.autograd.grad(total, asked, materialize_grads=True)
    squares = torch.stack([gradient.square().sum((0, 2)) for gradient in gradients])
    by_state = squares.view(len(moments), len(network.state_names), -1)
    names = zip(network.state_names, by_state.sqrt().unbind(1), strict=True)
    return {**dict(names), TOTAL: by_state.sum(1).sqrt()}
