"""Copy: repeat a row of symbols after a gap."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, require


class Copying(ClassificationTask):
    """Repeat K symbols, in order, each exactly `gap` time steps after it was shown.

    Hochreiter & Schmidhuber (1997), in the layout of Arjovsky et al. (2016, arXiv:1511.06464).
    One sequence with K = 3 symbols `a c b`, gap 6; `.` is blank, `>` the marker:

        time     0 1 2 3 4 5 6 7 8
        input    a c b . . > . . .
        answer               a c b

    Channels: 0 to A - 1 symbols, A blank, A + 1 marker.

    Attributes:
        nominal_length: the delay that the literature calls T, gap - K.
        sequence_chance: chance of a whole row being right, A^-K.
    """

    def __init__(
        self,
        *,
        gap: int,
        alphabet_size: int = 8,
        num_symbols: int = 10,
        score_on: Literal["answers", "all"] = "answers",
    ) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least num_symbols + 1, so that the marker fits.
            alphabet_size: A, different symbols.
            num_symbols: K, symbols to be repeated.
            score_on: "answers" scores the K answers; "all" scores all T time steps, as papers
                do, with blank as one more class.

        Raises:
            ValueError: an argument is out of its range.
        """
        least = num_symbols + 1
        require("alphabet_size", "be at least 2", alphabet_size >= 2, alphabet_size)
        require("num_symbols", "be at least 1", num_symbols >= 1, num_symbols)
        require("gap", f"be at least num_symbols + 1 = {least}", gap >= least, gap)
        require("score_on", "be answers or all", score_on in ("answers", "all"), score_on)
        self.gap, self.alphabet_size, self.num_symbols = gap, alphabet_size, num_symbols
        self.score_on = score_on
        self.input_size = alphabet_size + 2
        self.sequence_length = gap + num_symbols
        self.nominal_length = gap - num_symbols
        self.load_bits = num_symbols * math.log2(alphabet_size)
        self.sequence_chance = float(alphabet_size) ** -num_symbols
        every = score_on == "all"
        self.answer_length = self.sequence_length if every else num_symbols
        self.output_size = alphabet_size + 1 if every else alphabet_size
        self.chance = self._chance()

    def _chance(self) -> Chance:
        """Return what a predictor gets that knows the clock, but no symbol."""
        size, length = self.alphabet_size, self.answer_length
        known = length - self.num_symbols
        loss = self.num_symbols * math.log(size) / length
        return Chance(loss, (known + self.num_symbols / size) / length)

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        shape = (self.num_symbols, batch_size)
        device = generator.device
        symbols = torch.randint(self.alphabet_size, shape, generator=generator, device=device)
        shown = torch.full((self.sequence_length, batch_size), self.alphabet_size, device=device)
        shown[: self.num_symbols] = symbols
        shown[self.gap - 1] = self.alphabet_size + 1
        inputs = torch.zeros(*shown.shape, self.input_size, device=device)
        inputs.scatter_(2, shown[..., None], 1.0)
        blanks = self.answer_length - self.num_symbols
        before = symbols.new_full((blanks, batch_size), self.alphabet_size)
        return Batch(inputs, torch.cat([before, symbols]))

    def dependencies(self) -> Tensor:
        read = torch.arange(self.sequence_length - self.answer_length, self.sequence_length)
        needed = torch.where(read >= self.gap, read - self.gap, -1)
        return torch.stack([needed, read], 1)
