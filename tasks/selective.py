"""Selective copying: of a row of random symbols repeat the flagged ones alone."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, draw_places, require


class Selective(ClassificationTask):
    """Repeat, in order, the K flagged symbols of a row of random ones.

    Gu & Dao (2023, arXiv:2312.00752), with flags in place of blanks, so that what is to be kept
    must be chosen. One sequence with K = 3, gap 7; `*` flags, `>` asks:

        time     0 1 2 3 4 5 6 7 8 9
        symbol   a c b d a b c
        flag     *     *   *
        asked                  > > >
        answer                 a d b

    The first flag is at time 0, the others are anywhere among the first `gap` time steps. So the
    distance of the first answer is `gap`; that of the others is shorter, down to K, and differs
    from sequence to sequence.

    Channels: 0 to A - 1 symbol, A flag, A + 1 asked.
    """

    def __init__(self, *, gap: int, num_symbols: int = 4, alphabet_size: int = 8) -> None:
        """Check and derive sizes, chance and plateau.

        Args:
            gap: at least num_symbols.
            num_symbols: K, flagged symbols.
            alphabet_size: A, different symbols.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("num_symbols", "be at least 1", num_symbols >= 1, num_symbols)
        require("alphabet_size", "be at least 2", alphabet_size >= 2, alphabet_size)
        require("gap", f"be at least num_symbols = {num_symbols}", gap >= num_symbols, gap)
        self.gap, self.num_symbols, self.alphabet_size = gap, num_symbols, alphabet_size
        self.input_size, self.output_size = alphabet_size + 2, alphabet_size
        self.sequence_length, self.answer_length = gap + num_symbols, num_symbols
        self.load_bits = num_symbols * math.log2(alphabet_size)
        self.chance = Chance(math.log(alphabet_size), 1 / alphabet_size)
        if num_symbols > 1:
            self.plateaus = {"all but the first": math.log(alphabet_size) / num_symbols}

    @property
    def distances(self) -> tuple[int, int]:
        return (self.num_symbols if self.num_symbols > 1 else self.gap), self.gap

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        gap, device = self.gap, generator.device
        shape = (gap, batch_size)
        symbols = torch.randint(self.alphabet_size, shape, generator=generator, device=device)
        flagged = draw_places(self.num_symbols, gap, batch_size, generator)
        inputs = torch.zeros(self.sequence_length, batch_size, self.input_size, device=device)
        inputs[:gap].scatter_(2, symbols[..., None], 1.0)
        inputs[:gap, :, self.alphabet_size].scatter_(0, flagged, 1.0)
        inputs[gap:, :, self.alphabet_size + 1] = 1.0
        return Batch(inputs, symbols.gather(0, flagged))

    def ages(self, batch: Batch) -> Tensor:
        flags = batch.inputs[: self.gap, :, self.alphabet_size]
        flagged = flags.argsort(dim=0, descending=True, stable=True)[: self.num_symbols]
        read = torch.arange(self.gap, self.sequence_length, device=flagged.device)
        return read[:, None] - flagged

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[0]

    def dependencies(self) -> Tensor:
        place = torch.arange(self.num_symbols)
        return torch.stack([place, self.gap + place], 1)
