"""Draw the data of a stack: fresh or fixed sequences to train on, fixed ones to measure on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import torch
from torch import Tensor

from rnnbench.experiment.limits import SEQUENCES_PER_CHUNK, STEPS, STEPS_PER_BLOCK
from rnnbench.task import Batch, Task
from rnnbench.training.streams import TRAINING, scheduling, shuffling, stream

GROWN_AFTER = 0.5  # share of the steps after which a growing gap has reached the task's own


class StackData(ABC):
    """Hold one block of training steps for a stack; a counter on the device picks the step.

    Replicas of the same seed (at several learning rates) get the same sequences, held once. They
    lie at the same place in every block, where a CUDA graph looks for them.

    Attributes:
        block: the one that is held; -1 before the first.
    """

    _inputs: Tensor
    _targets: Tensor

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        """Hold nothing yet; `seeds` has one for each replica."""
        self.seeds, self.device, self.block = list(seeds), device, -1
        self._places = {seed: place for place, seed in enumerate(dict.fromkeys(seeds))}
        self._first = self._first_steps()

    def _first_steps(self) -> Tensor:
        """Return for each replica the first step of its seed, among those of all seeds `(R,)`."""
        first = [self._places[seed] * STEPS_PER_BLOCK for seed in self.seeds]
        return torch.tensor(first, dtype=torch.int64, device=self.device)

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers."""
        self.seeds = [self.seeds[row] for row in rows.tolist()]
        self._first = self._first_steps()

    def batch(self, step: int) -> Batch:
        """Return the sequences of a step (from 0): inputs `(R, T, B, F)`, targets `(R, K, B)`."""
        block, position = divmod(step, STEPS_PER_BLOCK)
        if block != self.block:
            self.start(block)
        return self.at(torch.tensor([position], device=self.device))

    @property
    def form(self) -> tuple[object, ...]:
        """Return the sequences' addresses and shapes, which a CUDA graph takes for granted."""
        return tuple((each.data_ptr(), each.shape) for each in (self._inputs, self._targets))

    @abstractmethod
    def start(self, block: int) -> None:
        """Put a block in place of the one before."""

    @abstractmethod
    def at(self, position: Tensor) -> Batch:
        """Return the sequences of a step of the block; its position `(1,)` is on the device."""


class TrainingData(StackData):
    """Draw fresh sequences for each replica and step; they depend on seed and step alone.

    With a schedule the gap is the same for all replicas, and for all steps of a block.
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
        threads: int = 0,
    ) -> None:
        """Draw nothing yet; `seeds` has one for each replica.

        `dtype` is that of inputs and of targets that are values. Threads draw one block ahead.
        Only they and a schedule (one of `experiment.limits.SCHEDULES`) need `steps`, the length of
        the training.
        """
        super().__init__(seeds, device)
        self.task, self.batch_size, self.dtype = task, batch_size, dtype
        self.schedule, self.blocks = schedule, -(-steps // STEPS_PER_BLOCK)
        self._gaps = [task.gap] if schedule == "fixed" else possible_gaps(task)
        self._rooms = Room(task.sequence_length, device), Room(task.answer_length, device)
        self._ahead: dict[tuple[int, int], Future[Batch]] = {}  # by block and seed
        own = partial(torch.set_flush_denormal, True)  # which each thread decides for itself
        self._pool = ThreadPoolExecutor(threads, initializer=own) if threads else None

    def start(self, block: int) -> None:
        drawn = self._drawn(block) if self._pool is None else self._drawn_ahead(self._pool, block)
        # Memory of `(seeds, steps, T, B, F)` and `(seeds, steps, K, B)`.
        held = [
            room.hold((len(self._places), *tensor.shape), tensor.dtype)
            for room, tensor in zip(self._rooms, next(iter(drawn.values())), strict=True)
        ]
        for seed, batch in drawn.items():
            for memory, tensor in zip(held, batch, strict=True):
                memory[self._places[seed]].copy_(tensor, non_blocking=True)
        self._inputs, self._targets = (memory.flatten(0, 1) for memory in held)
        self.block = block

    def at(self, position: Tensor) -> Batch:
        steps = self._first + position
        return Batch(self._inputs.index_select(0, steps), self._targets.index_select(0, steps))

    def _drawn(self, block: int) -> dict[int, Batch]:
        task = self._task_of(block)
        return {seed: self._draw(task, seed, block) for seed in dict.fromkeys(self.seeds)}

    def _drawn_ahead(self, pool: ThreadPoolExecutor, block: int) -> dict[int, Batch]:
        """Return what threads have drawn for a block, and let them draw the next one."""
        for number in range(block, min(block + 2, self.blocks)):
            task = self._task_of(number)
            for seed in self.seeds:
                if (number, seed) not in self._ahead:
                    self._ahead[number, seed] = pool.submit(self._draw, task, seed, number)
        own = dict.fromkeys(self.seeds)
        drawn = {seed: self._ahead[block, seed].result() for seed in own}
        self._ahead = {key: value for key, value in self._ahead.items() if key[0] > block}
        return drawn

    def _task_of(self, block: int) -> Task:
        gap = scheduled_gap(self._gaps, self.schedule, block, self.blocks)
        return self.task if gap == self.task.gap else self.task.at_gap(gap)

    def _draw(self, task: Task, seed: int, block: int) -> Batch:
        """Return a block of one seed: inputs `(steps, T, B, F)`, targets `(steps, K, B)`."""
        drawn = task.sample(STEPS_PER_BLOCK * self.batch_size, stream(TRAINING, seed, block))
        inputs = drawn.inputs.to(self.dtype)
        targets = as_targets(drawn.targets, inputs.device, self.dtype)
        return Batch(self._by_step(inputs), self._by_step(targets))

    def _by_step(self, tensor: Tensor) -> Tensor:
        """View `(T, steps * B, ...)` as `(steps, T, B, ...)`; pin it in memory for a GPU."""
        length, _, *features = tensor.shape
        split = tensor.view(length, STEPS_PER_BLOCK, self.batch_size, *features).movedim(1, 0)
        if self.device.type == "cpu":
            return split
        return torch.empty(split.shape, dtype=split.dtype, pin_memory=True).copy_(split)


class Room:
    """Hold tensors of several lengths one after the other, all at the same address."""

    def __init__(self, longest: int, device: torch.device) -> None:
        self.longest, self.device = longest, device
        self._memory = torch.empty(0)

    def hold(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return memory for a shape `(seeds, steps, length, ...)`, as the last call left it."""
        size, length = math.prod(shape), shape[2]
        if len(self._memory) < size:
            most = size // length * max(length, self.longest)
            self._memory = torch.empty(most, dtype=dtype, device=self.device)
        return self._memory[:size].view(*shape)


class TrainingSet(StackData):
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
        *,
        steps: int = STEPS.most,
    ) -> None:
        """Draw the set of every seed, `size` sequences each, and keep them on the device."""
        super().__init__(seeds, device)
        self.size, self.batch_size, self.steps = size, batch_size, steps
        drawn = (_draw(task, size, seed, device, dtype) for seed in self._places)
        self._inputs, self._targets = (torch.cat(sets) for sets in zip(*drawn, strict=True))
        self._orders: dict[tuple[int, int], Tensor] = {}
        shape = (len(self._places), STEPS_PER_BLOCK, batch_size)
        self._chosen = torch.zeros(shape, dtype=torch.int64, device=device)  # rows of `_inputs`

    def start(self, block: int) -> None:
        first = block * STEPS_PER_BLOCK
        steps = range(first, min(first + STEPS_PER_BLOCK, self.steps))
        for seed in dict.fromkeys(self.seeds):
            place = self._places[seed]
            chosen = self._choose(seed, steps) + place * self.size
            self._chosen[place, : len(steps)].copy_(chosen, non_blocking=True)
        self.block = block

    def at(self, position: Tensor) -> Batch:
        chosen = self._chosen.flatten(0, 1).index_select(0, self._first + position)
        return Batch(self._pick(self._inputs, chosen), self._pick(self._targets, chosen))

    def _pick(self, sets: Tensor, chosen: Tensor) -> Tensor:
        """Return sequences `(R, T, B, ...)` of `sets`, given the number of each `(R, B)`."""
        picked = sets.index_select(0, chosen.flatten())
        return picked.view(*chosen.shape, *picked.shape[1:]).transpose(1, 2).contiguous()

    def _choose(self, seed: int, steps: range) -> Tensor:
        """Return which sequences of its set a seed sees `(steps, B)`."""
        places = range(steps[0] * self.batch_size, (steps[-1] + 1) * self.batch_size)
        epochs = range(places[0] // self.size, places[-1] // self.size + 1)
        orders = torch.cat([self._order(seed, epoch) for epoch in epochs])
        start = places[0] - epochs[0] * self.size
        return orders[start : start + len(places)].view(len(steps), self.batch_size)

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
    for block, count in enumerate(chunk_sizes(size)):
        batch = task.sample(SEQUENCES_PER_CHUNK, stream(kind, block=block))
        inputs = batch.inputs[:, :count].to(device, dtype)
        yield Batch(inputs, as_targets(batch.targets[:, :count], device, dtype))


def chunk_sizes(size: int) -> list[int]:
    """Return how many sequences each chunk has of so many."""
    starts = range(0, size, SEQUENCES_PER_CHUNK)
    return [min(SEQUENCES_PER_CHUNK, size - start) for start in starts]


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
