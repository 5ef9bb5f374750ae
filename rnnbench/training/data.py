"""Data of a stack: fresh sequences for every step of training, fixed ones for measuring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import torch
from torch import Tensor

from rnnbench.experiment.limits import SEQUENCES_PER_CHUNK, STEPS_PER_BLOCK
from rnnbench.task import Batch, Task
from rnnbench.training.streams import TRAINING, scheduling, shuffling, stream

# How the gap of training goes over the steps, if not at the one gap of the task.
GROWN_AFTER = 0.5  # share of the steps after which a growing gap has reached its end


def scheduled_gap(gaps: Sequence[int], schedule: str, block: int, blocks: int) -> int:
    """Return the gap at which a block of training steps is.

    Args:
        gaps: that the task has, ascending; the last is its own.
        schedule: fixed, uniform (each gap alike likely, drawn for each block) or growing (from
            the least, evenly, to the last at GROWN_AFTER of the training).
        block: from 0.
        blocks: that the training has.
    """
    if schedule == "uniform":
        place = int(torch.randint(len(gaps), (), generator=scheduling(block)))
    elif schedule == "growing":
        place = int(block / max(GROWN_AFTER * blocks, 1) * len(gaps))
    else:
        place = len(gaps)
    return gaps[min(place, len(gaps) - 1)]


def mean_time_steps(task: Task, schedule: str, steps: int) -> float:
    """Return how long a sequence is, on average over the steps of a training."""
    if schedule == "fixed":
        return float(task.sequence_length)
    gaps, blocks = possible_gaps(task), -(-steps // STEPS_PER_BLOCK)
    lengths = {gap: task.at_gap(gap).sequence_length for gap in gaps}
    shown = [lengths[scheduled_gap(gaps, schedule, block, blocks)] for block in range(blocks)]
    return sum(shown) / blocks


def possible_gaps(task: Task) -> list[int]:
    """Return the gaps up to its own that a task can have, ascending."""
    found = []
    for gap in range(1, task.gap):
        with suppress(ValueError):
            found.append(task.at_gap(gap).gap)
    return [*found, task.gap]


class TrainingData:
    """Fresh sequences for each replica and step, which depend on its seed and the step alone.

    Replicas of the same seed (at several learning rates) get the same sequences. Where the gap
    of training varies, it is the same for all replicas at a step, and for the steps of a block.
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
        """Draw nothing yet.

        Args:
            task: what is drawn; with a schedule, at its gap and at shorter ones.
            batch_size: sequences per step.
            seeds: of each replica.
            device: where the sequences lie.
            dtype: of inputs and of targets that are values.
            schedule: of the gap, one of SCHEDULES.
            steps: of the whole training, for the schedule.
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
        drawn = {
            seed: task.sample(size, stream(TRAINING, seed, block))
            for seed in dict.fromkeys(self.seeds)
        }
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


def fixed_batches(
    task: Task, size: int, kind: int, device: torch.device, dtype: torch.dtype
) -> Iterator[Batch]:
    """Yield the same `size` sequences of a kind (EVALUATION or TEST) at every call, in chunks."""
    for block, start in enumerate(range(0, size, SEQUENCES_PER_CHUNK)):
        batch = task.sample(SEQUENCES_PER_CHUNK, stream(kind, block=block))
        count = min(SEQUENCES_PER_CHUNK, size - start)
        inputs = batch.inputs[:, :count].to(device, dtype)
        yield Batch(inputs, as_targets(batch.targets[:, :count], device, dtype))


def as_targets(targets: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Move targets to the device; values to the training's type, class indices as they are."""
    return targets.to(device, dtype if targets.is_floating_point() else targets.dtype)


class TrainingSet:
    """The batches of each replica, cut from the shuffled epochs of its seed, end to end.

    Every epoch shows each sequence once, in an order of its own; a batch may reach over the end
    of one into the next. What a step shows depends on seed and step alone. A set of n sequences
    is the start of every larger set of the same seed.
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
        """Draw the set of every seed; they stay in memory.

        Args:
            task: what is drawn.
            size: sequences in a set.
            batch_size: sequences per step.
            seeds: of each replica.
            device: where the sets lie.
            dtype: of inputs and of targets that are values.
        """
        self.size, self.batch_size, self.seeds = size, batch_size, list(seeds)
        self._sets = {
            seed: _draw(task, size, seed, device, dtype) for seed in dict.fromkeys(self.seeds)
        }
        self._orders: dict[tuple[int, int], Tensor] = {}

    def batch(self, step: int) -> Batch:
        """Return the sequences of a step (from 0): inputs `(R, T, B, F)`, targets `(R, K, B)`."""
        chosen = {seed: self._choose(seed, step) for seed in self._sets}
        batches = [chosen[seed] for seed in self.seeds]
        inputs, targets = zip(*batches, strict=True)
        return Batch(torch.stack(inputs), torch.stack(targets))

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers."""
        self.seeds = [self.seeds[row] for row in rows.tolist()]
        self._sets = {seed: self._sets[seed] for seed in dict.fromkeys(self.seeds)}

    def _choose(self, seed: int, step: int) -> Batch:
        places = range(step * self.batch_size, (step + 1) * self.batch_size)
        epochs = range(places[0] // self.size, places[-1] // self.size + 1)
        orders = torch.cat([self._order(seed, epoch) for epoch in epochs])
        start = places[0] - epochs[0] * self.size
        inputs, targets = self._sets[seed]
        picked = orders[start : start + self.batch_size].to(inputs.device)
        chosen = (inputs.index_select(0, picked), targets.index_select(0, picked))
        return Batch(*(each.transpose(0, 1) for each in chosen))

    def _order(self, seed: int, epoch: int) -> Tensor:
        """Return the order of an epoch; that of the one before is kept for batches on the edge."""
        if (seed, epoch) not in self._orders:
            self._orders.pop((seed, epoch - 2), None)
            order = torch.randperm(self.size, generator=shuffling(seed, epoch))
            self._orders[seed, epoch] = order
        return self._orders[seed, epoch]


def _draw(task: Task, size: int, seed: int, device: torch.device, dtype: torch.dtype) -> Batch:
    """Return a set: inputs `(n, T, F)`, targets `(n, K)`.

    A sequence lies in one piece: picked from `(T, n, F)`, each of its time steps is a jump in
    memory, and picking takes longer than training.
    """
    blocks = range(-(-size // SEQUENCES_PER_CHUNK))
    drawn = [task.sample(SEQUENCES_PER_CHUNK, stream(TRAINING, seed, block)) for block in blocks]
    inputs = torch.cat([batch.inputs.transpose(0, 1) for batch in drawn])[:size]
    targets = torch.cat([batch.targets.transpose(0, 1) for batch in drawn])[:size]
    return Batch(inputs.to(device, dtype), as_targets(targets, device, dtype))
