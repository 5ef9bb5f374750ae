"""Delayed recall: name the flagged symbol when asked, through distractors."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, require


class DelayedRecall(ClassificationTask):
    """Name, at the query, the symbol that was shown with a flag `gap` time steps before.

    One sequence, gap 6, alphabet a to d; `*` flags the cue, `?` is the query:

        time     0 1 2 3 4 5 6
        symbol   c a d d b a
        flag     *
        query                ?
        answer               c

    Channels: 0 to A - 1 symbol, A cue flag, A + 1 query flag.
    """

    def __init__(
        self, *, gap: int, alphabet_size: int = 8, distractors: Literal["noise", "blank"] = "noise"
    ) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least 1.
            alphabet_size: A, different symbols.
            distractors: between cue and query, "noise" shows random unflagged symbols of the
                same alphabet, "blank" shows nothing.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be at least 1", gap >= 1, gap)
        require("alphabet_size", "be at least 2", alphabet_size >= 2, alphabet_size)
        known = distractors in ("noise", "blank")
        require("distractors", "be noise or blank", known, distractors)
        self.gap, self.alphabet_size, self.distractors = gap, alphabet_size, distractors
        self.input_size, self.output_size = alphabet_size + 2, alphabet_size
        self.sequence_length, self.answer_length = gap + 1, 1
        self.load_bits = math.log2(alphabet_size)
        self.chance = Chance(math.log(alphabet_size), 1 / alphabet_size)

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        device = generator.device
        count = self.gap if self.distractors == "noise" else 1
        shape = (count, batch_size)
        symbols = torch.randint(self.alphabet_size, shape, generator=generator, device=device)
        inputs = torch.zeros(self.sequence_length, batch_size, self.input_size, device=device)
        inputs[:count].scatter_(2, symbols[..., None], 1.0)
        inputs[0, :, self.alphabet_size] = 1.0
        inputs[-1, :, self.alphabet_size + 1] = 1.0
        return Batch(inputs, symbols[:1].clone())

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[0]

    def dependencies(self) -> Tensor:
        return torch.tensor([[0, self.gap]])
