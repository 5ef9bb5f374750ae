"""Draw the data of a stack: fresh or fixed sequences to train on, fixed ones to measure on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import torch
from torch import Tensor

from rnnbench.experiment.limits import SEQUENCES_PER_CHUNK, STEPS_PER_BLOCK
from rnnbench.task import Batch, Task
from rnnbench.training.streams import TRAINING, scheduling, shuffling, stream

GROWN_AFTER = 0.5  # share of the steps after which a growing gap has reached the task's own


class TrainingData:
    """Draw fresh sequences for each replica and step; they depend on seed and step alone.

    Replicas of the same seed (at several learning rates) get the same sequences. With a schedule
    the gap is the same for all replicas, and for all steps of a block.
    """

    def __init__(
        self,
        task: Task,
        batch_size: int,
        seeds: Sequence[int],
        device: torch.device,
        dtype: torch.dtype,
        *,
        schedule: str = "fixed",
        steps: int = 1,
    ) -> None:
        """Draw nothing yet; `seeds` has one for each replica.

        `dtype` is that of inputs and of targets that are values. Only a schedule (one of
        `experiment.limits.SCHEDULES`) needs `steps`, the length of the training.
        """
        self.task, self.batch_size, self.seeds = task, batch_size, list(seeds)
        self.schedule, self.blocks = schedule, -(-steps // STEPS_PER_BLOCK)
        self._gaps = [task.gap] if schedule == "fixed" else possible_gaps(task)
        self.device, self.dtype = device, dtype
        self._block = -1
        self._inputs, self._targets = torch.empty(0), torch.empty(0)

    def batch(self, step: int) -> Batch:
        """Return the sequences of a step (from 0): inputs `(R, T, B, F)`, targets `(R, K, B)`."""
        block, position = divmod(step, STEPS_PER_BLOCK)
        if block != self._block:
            self._draw(block)
        return Batch(self._inputs[position], self._targets[position])

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers."""
        self.seeds = [self.seeds[row] for row in rows.tolist()]
        if self._block >= 0:
            self._inputs = self._inputs.index_select(1, rows)
            self._targets = self._targets.index_select(1, rows)

    def _draw(self, block: int) -> None:
        size = STEPS_PER_BLOCK * self.batch_size
        gap = scheduled_gap(self._gaps, self.schedule, block, self.blocks)
        task = self.task if gap == self.task.gap else self.task.at_gap(gap)
        own = set(self.seeds)
        drawn = {seed: task.sample(size, stream(TRAINING, seed, block)) for seed in own}
        inputs = torch.stack([self._by_step(drawn[seed].inputs) for seed in self.seeds], 1)
        targets = torch.stack([self._by_step(drawn[seed].targets) for seed in self.seeds], 1)
        self._inputs = inputs.to(self.device, self.dtype)
        self._targets = as_targets(targets, self.device, self.dtype)
        self._block = block

    def _by_step(self, tensor: Tensor) -> Tensor:
        """View `(T, steps * B, ...)` as `(steps, T, B, ...)`."""
        length, _, *features = tensor.shape
        split = tensor.view(length, STEPS_PER_BLOCK, self.batch_size, *features)
        return split.movedim(1, 0)


class TrainingSet:
    """Train on a fixed set of sequences for each seed, shuffled anew in every epoch.

    Batches are cut from the epochs laid end to end, so that one may reach over the end of an
    epoch into the next. They depend on seed and step alone. A set of n sequences is the start of
    every larger set of the same seed.
    """

    def __init__(
        self,
        task: Task,
        size: int,
        batch_size: int,
        seeds: Sequence[int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Draw the set of every seed, `size` sequences each, and keep them on the device."""
        self.size, self.batch_size, self.seeds = size, batch_size, list(seeds)
        self._sets = {seed: _draw(task, size, seed, device, dtype) for seed in set(seeds)}
        self._orders: dict[tuple[int, int], Tensor] = {}

    def batch(self, step: int) -> Batch:
        """Return the sequences of a step, shaped as those of `TrainingData.batch`."""
        chosen = {seed: self._choose(seed, step) for seed in self._sets}
        batches = [chosen[seed] for seed in self.seeds]
        inputs, targets = zip(*batches, strict=True)
        return Batch(torch.stack(inputs), torch.stack(targets))

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers."""
        self.seeds = [self.seeds[row] for row in rows.tolist()]
        self._sets = {seed: self._sets[seed] for seed in set(self.seeds)}

    def _choose(self, seed: int, step: int) -> Batch:
        places = range(step * self.batch_size, (step + 1) * self.batch_size)
        epochs = range(places[0] // self.size, places[-1] // self.size + 1)
        orders = torch.cat([self._order(seed, epoch) for epoch in epochs])
        start = places[0] - epochs[0] * self.size
        own = self._sets[seed]
        picked = orders[start : start + self.batch_size].to(own.inputs.device)
        return Batch(*(each.index_select(0, picked).transpose(0, 1) for each in own))

    def _order(self, seed: int, epoch: int) -> Tensor:
        """Return the order of an epoch; the one before is kept for batches that span two."""
        if (seed, epoch) not in self._orders:
            self._orders.pop((seed, epoch - 2), None)
            order = torch.randperm(self.size, generator=shuffling(seed, epoch))
            self._orders[seed, epoch] = order
        return self._orders[seed, epoch]


def fixed_batches(
    task: Task, size: int, kind: int, device: torch.device, dtype: torch.dtype
) -> Iterator[Batch]:
    """Yield in chunks the first sequences of EVALUATION or TEST, the same at every call."""
    for block, start in enumerate(range(0, size, SEQUENCES_PER_CHUNK)):
        batch = task.sample(SEQUENCES_PER_CHUNK, stream(kind, block=block))
        count = min(SEQUENCES_PER_CHUNK, size - start)
        inputs = batch.inputs[:, :count].to(device, dtype)
        yield Batch(inputs, as_targets(batch.targets[:, :count], device, dtype))


def scheduled_gap(gaps: Sequence[int], schedule: str, block: int, blocks: int) -> int:
    """Return the gap of one block of training steps.

    Args:
        gaps: all that the task can have, ascending; the last is its own.
        schedule: fixed, uniform (drawn anew for each block) or growing (evenly from the least to
            the last, which is reached at GROWN_AFTER of the training).
        block: from 0.
        blocks: of the whole training.
    """
    if schedule == "uniform":
        place = int(torch.randint(len(gaps), (), generator=scheduling(block)))
    elif schedule == "growing":
        place = int(block / max(GROWN_AFTER * blocks, 1) * len(gaps))
    else:
        place = len(gaps)
    return gaps[min(place, len(gaps) - 1)]


def mean_time_steps(task: Task, schedule: str, steps: int) -> float:
    """Return the mean length of a sequence over the steps of a training."""
    if schedule == "fixed":
        return float(task.sequence_length)
    gaps, blocks = possible_gaps(task), -(-steps // STEPS_PER_BLOCK)
    lengths = {gap: task.at_gap(gap).sequence_length for gap in gaps}
    shown = [lengths[scheduled_gap(gaps, schedule, block, blocks)] for block in range(blocks)]
    return sum(shown) / blocks


def possible_gaps(task: Task) -> list[int]:
    """Return all gaps from 1 to its own at which a task can be built, ascending."""
    found = []
    for gap in range(1, task.gap):
        with suppress(ValueError):
            found.append(task.at_gap(gap).gap)
    return [*found, task.gap]


def as_targets(targets: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Move targets to a device; values change to `dtype`, class indices stay int64."""
    return targets.to(device, dtype if targets.is_floating_point() else targets.dtype)


def _draw(task: Task, size: int, seed: int, device: torch.device, dtype: torch.dtype) -> Batch:
    """Return a training set: inputs `(n, T, F)`, targets `(n, K)`.

    Each sequence lies in one piece. In `(T, n, F)` each of its time steps would be a jump in
    memory, and picking a batch would take longer than training on it.
    """
    blocks = range(-(-size // SEQUENCES_PER_CHUNK))
    drawn = [task.sample(SEQUENCES_PER_CHUNK, stream(TRAINING, seed, block)) for block in blocks]
    inputs = torch.cat([batch.inputs.transpose(0, 1) for batch in drawn])[:size]
    targets = torch.cat([batch.targets.transpose(0, 1) for batch in drawn])[:size]
    return Batch(inputs.to(device, dtype), as_targets(targets, device, dtype))
