"""Flip-flop: the bit that was written last, through bits that are to be ignored."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from rnnbench.task import UNASKED, Batch, Chance, ClassificationTask, require, require_choice

Ask = Literal["end", "random"]


class FlipFlop(ClassificationTask):
    """Name the bit that was written last: keep one until the next is written, ignore all others.

    Flip-flop language modelling (Liu et al., 2023, arXiv:2306.00946). Each time step has a bit that
    is to be written (w) or ignored (i), or reads (r). One sequence, gap 4, `steps_before=3`, asked
    at the end; the second is asked at random time steps as well:

        time     0 1 2 3 4 5 6 7        time     0 1 2 3 4 5 6 7
        bit      1 0 1 0 1 1 0          bit      1 0   0 1   0
        do       w i w w i i i r        do       w i r w i r i r
        answer                 0        answer       1     0   0

    The last write is at time `steps_before` and exactly `gap` before the end. Before it, each bit
    is written or ignored with equal probability; after it, each is ignored. Asked at random, a time
    step reads with probability 1/3, and one in two after the last write, but that the first writes
    and the last reads; the distances of these answers vary, and `gap` is that of the last.

    Channels: 0 bit as -1 or 1, 1 write, 2 ignore, 3 read.
    """

    def __init__(self, *, gap: int, steps_before: int = 10, ask: Ask = "end") -> None:
        """Check and derive sizes, chance and plateau.

        Args:
            gap: at least 1.
            steps_before: time steps before the last write.
            ask: at the "end" alone, or at "random" time steps, too.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be at least 1", gap >= 1, gap)
        require("steps_before", "be at least 0", steps_before >= 0, steps_before)
        require_choice("ask", get_args(Ask), ask)
        self.gap, self.steps_before, self.ask = gap, steps_before, ask
        self.asks_all = ask == "end"
        self.input_size, self.output_size = 4, 2
        self.sequence_length = steps_before + gap + 1
        self.answer_length = 1 if self.asks_all else self.sequence_length - 1
        self.load_bits = 1.0
        self.chance = Chance(math.log(2), 0.5)
        if self.asks_all and steps_before:
            # Right where no other was written before the last, and of the rest by half.
            right = 0.5 + 0.5 ** (steps_before + 1)
            loss = -right * math.log(right) - (1 - right) * math.log(1 - right)
            self.plateaus = {"first write kept": loss}

    @property
    def distances(self) -> tuple[int, int]:
        if self.asks_all:
            return self.gap, self.gap
        return 1, max(self.gap, self.steps_before - 1)

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        before, device = self.steps_before, generator.device
        shape = (self.sequence_length - 1, batch_size)
        bits = torch.randint(2, shape, generator=generator, device=device)
        reads, writes = self._draw_actions(batch_size, generator)
        inputs = torch.zeros(self.sequence_length, batch_size, 4, device=device)
        inputs[:-1, :, 0] = torch.where(reads[:-1], 0.0, 2.0 * bits - 1)
        inputs[..., 1], inputs[..., 3] = writes, reads
        inputs[..., 2] = ~(writes | reads)
        written = bits.gather(0, _last_write(writes)[:-1])
        written = torch.cat([written, bits[before : before + 1]])
        return Batch(inputs, torch.where(reads, written, UNASKED)[-self.answer_length :])

    def _draw_actions(self, batch_size: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Return which time steps read and which write, `(T, B)` each."""
        before, device = self.steps_before, generator.device
        shape = (self.sequence_length, batch_size)
        drawn = torch.rand(shape, generator=generator, device=device)
        reads = torch.zeros(shape, dtype=torch.bool, device=device)
        if not self.asks_all:
            reads = drawn < 1 / 3
            reads[before:] = drawn[before:] < 1 / 2
        writes = ~reads & (drawn >= (0.5 if self.asks_all else 2 / 3))
        writes[before:] = False
        if not self.asks_all:
            reads[0], writes[0] = False, True
        reads[before], writes[before] = False, True
        reads[-1] = True
        return reads, writes

    def ages(self, batch: Batch) -> Tensor:
        read = torch.arange(self.sequence_length, device=batch.inputs.device)[:, None]
        return (read - _last_write(batch.inputs[..., 1] == 1))[-self.answer_length :]

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[-1]

    def dependencies(self) -> Tensor:
        read = torch.arange(self.sequence_length - self.answer_length, self.sequence_length)
        needed = torch.where(read == self.sequence_length - 1, self.steps_before, -1)
        return torch.stack([needed, read], 1)


def _last_write(writes: Tensor) -> Tensor:
    """Return the time step of the last write up to each, `(T, B)`; 0 where there was none."""
    time = torch.arange(len(writes), device=writes.device)[:, None]
    return torch.where(writes, time, 0).cummax(0).values
