"""A fixed training set per seed, gone through in epochs, as papers do it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnbench.data import as_targets
from rnnbench.sizes import SEQUENCES_PER_CHUNK
from rnnbench.streams import TRAINING, shuffling, stream
from rnnbench.task import Batch, Task


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
