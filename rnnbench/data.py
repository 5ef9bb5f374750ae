"""Data of a stack: fresh sequences for every step of training, fixed ones for measuring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rnnbench.streams import TRAINING, stream
from rnnbench.task import Batch, Task

# Drawn numbers depend on how many are drawn at once: constants of the suite, not settings.
STEPS_PER_BLOCK = 16
SEQUENCES_PER_CHUNK = 256


class TrainingData:
    """Fresh sequences for each replica and step, which depend on its seed and the step alone.

    Replicas of the same seed (at several learning rates) get the same sequences.
    """

    def __init__(
        self,
        task: Task,
        batch_size: int,
        seeds: Sequence[int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.task, self.batch_size, self.seeds = task, batch_size, list(seeds)
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
        drawn = {
            seed: self.task.sample(size, stream(TRAINING, seed, block))
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
