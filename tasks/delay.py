"""Delay line: at every time step the symbol shown some time steps before."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, require


class Delay(ClassificationTask):
    """Repeat a stream of random symbols, each exactly `gap` time steps after it was shown.

    No marker, no blank, no clock: at any time the last `gap` symbols must be held, and all of
    them move on by one place. What a network can hold in this way is the memory capacity of
    Jaeger (2001, "Short term memory in echo state networks"). One sequence, gap 4, symbols a, b:

        time     0 1 2 3 4 5 6 7
        input    a b b a a b a b
        answer           a b b a

    Channels: 0 to A - 1 symbol.
    """

    def __init__(self, *, gap: int, alphabet_size: int = 2, num_answers: int | None = None) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least 1.
            alphabet_size: A, different symbols.
            num_answers: the last time steps of a sequence, which are asked; None: as many as the
                gap has. With fewer, fewer symbols than fill the gap are ever needed.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be at least 1", gap >= 1, gap)
        require("alphabet_size", "be at least 2", alphabet_size >= 2, alphabet_size)
        count = gap if num_answers is None else num_answers
        require("num_answers", "be null or at least 1", count >= 1, num_answers)
        self.gap, self.alphabet_size, self.num_answers = gap, alphabet_size, num_answers
        self.input_size = self.output_size = alphabet_size
        self.sequence_length, self.answer_length = gap + count, count
        self.load_bits = min(gap, count) * math.log2(alphabet_size)
        self.chance = Chance(math.log(alphabet_size), 1 / alphabet_size)

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        shape, device = (self.sequence_length, batch_size), generator.device
        symbols = torch.randint(self.alphabet_size, shape, generator=generator, device=device)
        inputs = torch.zeros(*shape, self.input_size, device=device)
        inputs.scatter_(2, symbols[..., None], 1.0)
        return Batch(inputs, symbols[: self.answer_length])

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[0]

    def dependencies(self) -> Tensor:
        read = torch.arange(self.gap, self.sequence_length)
        return torch.stack([read - self.gap, read], 1)
