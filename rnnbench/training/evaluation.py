"""Evaluate networks on a fixed stream, in the same way for training, transfer and guessing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from rnnbench.model import SequenceModel
from rnnbench.task import UNASKED, Batch, Task
from rnnbench.training.data import fixed_batches

# Numbers that one state of a stack may hold over a chunk of sequences; mostly 4 bytes each.
MOST_NUMBERS = 2**25
PADDING = 32


@torch.no_grad()
def evaluate(
    model: SequenceModel,
    task: Task,
    kind: int,
    size: int,
    batches: Iterable[Batch] | None = None,
) -> tuple[list[float], list[float]]:
    """Return loss and accuracy of each replica on the first `size` sequences of a fixed stream.

    The stream is EVALUATION or TEST, see `rnnbench.training.streams`; its batches are drawn anew
    where the caller has not kept them.
    """
    parameters = next(iter(model.parameters.values()))
    device, dtype = parameters.device, parameters.dtype
    totals = torch.zeros(2, len(parameters), dtype=torch.float64, device=device)
    for batch in fixed_batches(task, size, kind, device, dtype) if batches is None else batches:
        inputs, targets = (each.expand(len(parameters), *each.shape) for each in batch)
        outputs, _ = model(inputs, last=task.answer_length)
        found = torch.stack([task.loss(outputs, targets), task.accuracy(outputs, targets)])
        totals += found.double() * (batch.inputs.shape[1] / size)
    loss, accuracy = totals.tolist()
    return loss, accuracy


@torch.no_grad()
def accuracy_by_age(
    model: SequenceModel, task: Task, kind: int, size: int
) -> list[dict[str, float] | None]:
    """Return the accuracy of each replica at each distance, of the sequences of `evaluate`.

    Answers that need no memory are left out. Distances are texts, as in the JSON of a record; None
    where all are the same.
    """
    parameters = next(iter(model.parameters.values()))
    alike: list[dict[str, float] | None] = [None] * len(parameters)
    if len(set(task.distances)) == 1:
        return alike
    right = torch.zeros(len(parameters), task.sequence_length, dtype=torch.float64)
    asked = torch.zeros(task.sequence_length, dtype=torch.int64)
    for batch in fixed_batches(task, size, kind, parameters.device, parameters.dtype):
        inputs, targets = (each.expand(len(parameters), *each.shape) for each in batch)
        outputs, _ = model(inputs, last=task.answer_length)
        # Each answer alone, as if it were a replica with one answer of one sequence.
        found = task.accuracy(outputs[..., None, None, :], targets[..., None, None])
        ages = task.ages(batch).cpu()
        counted = ages > 0
        if not task.asks_all:
            counted &= batch.targets.cpu() != UNASKED
        right.index_add_(1, ages[counted], found.double().cpu()[:, counted])
        asked += ages[counted].bincount(minlength=len(asked))
    seen = asked.nonzero().flatten().tolist()
    if len(seen) < 2:  # a task that does not tell the ages of its sequences
        return alike
    return [{str(age): float(row[age] / asked[age]) for age in seen} for row in right]


def memory_chunks(task: Task, hidden_size: int, sequences: int, replicas: int) -> Iterator[slice]:
    """Yield slices of the replicas, each small enough to evaluate so many sequences in memory.

    The hidden size is that of all layers and directions together.
    """
    padded = -(-hidden_size // PADDING) * PADDING  # as engines have it
    most = max(1, MOST_NUMBERS // (task.sequence_length * padded * sequences))
    for start in range(0, replicas, most):
        yield slice(start, min(start + most, replicas))
