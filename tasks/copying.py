"""Copy: repeat a row of symbols after a gap."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, require, require_choice

ScoreOn = Literal["answers", "all"]
Encoding = Literal["onehot", "scalar"]
Order = Literal["forward", "reverse"]


class Copying(ClassificationTask):
    """Repeat K symbols, in order, each exactly `gap` time steps after it was shown.

    Hochreiter & Schmidhuber (1997), in the layout of Arjovsky et al. (2016, arXiv:1511.06464).
    One sequence with K = 3 symbols `a c b`, gap 6; `.` is blank, `>` the marker:

        time     0 1 2 3 4 5 6 7 8
        input    a c b . . > . . .
        answer               a c b

    Channels: 0 to A - 1 symbols, A blank, A + 1 marker.

    With `longest_gap`, each sequence has a distance of its own, the same for all of its symbols,
    uniform on gap to longest_gap, as in the variable copy of Tallec & Ollivier (2018,
    arXiv:1804.11188), whose delays are 1 to T: gap K + 1, longest_gap K + T. Blanks come first,
    so that the marker and the answers stay at the end and the symbols are as old as they are to
    be; `gap` is the least distance.

    With `order: reverse` the row is asked backwards, in the same layout. So the answers have
    distances of their own, `gap` on the average: from gap - K + 1, of the last symbol, which is
    asked first, to gap + K - 1, two more with each answer.

    Attributes:
        nominal_length: the delay that the literature calls T, gap - K, or its upper bound.
        sequence_chance: chance of a whole row being right, A^-K.
    """

    added = ("order",)

    def __init__(
        self,
        *,
        gap: int,
        alphabet_size: int = 8,
        num_symbols: int = 10,
        score_on: ScoreOn = "answers",
        encoding: Encoding = "onehot",
        longest_gap: int | None = None,
        order: Order = "forward",
    ) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least num_symbols + 1, so that the marker fits.
            alphabet_size: A, different symbols.
            num_symbols: K, symbols to be repeated.
            score_on: "answers" scores the K answers; "all" scores all T time steps, as papers
                do, with blank as one more class.
            encoding: "onehot", or "scalar": one channel that holds 0 for blank, 1 to A for the
                symbols, A + 1 for the marker, as the code of Bai et al. (2018,
                arXiv:1803.01271) has it.
            longest_gap: the greatest distance, at least gap; None: every distance is the gap.
            order: in which the symbols are asked, "forward" or "reverse".

        Raises:
            ValueError: an argument is out of its range.
        """
        least = num_symbols + 1
        require("alphabet_size", "be at least 2", alphabet_size >= 2, alphabet_size)
        require("num_symbols", "be at least 1", num_symbols >= 1, num_symbols)
        require("gap", f"be at least num_symbols + 1 = {least}", gap >= least, gap)
        require_choice("score_on", get_args(ScoreOn), score_on)
        require_choice("encoding", get_args(Encoding), encoding)
        longest = gap if longest_gap is None else longest_gap
        require("longest_gap", f"be null or at least gap = {gap}", longest >= gap, longest)
        require_choice("order", get_args(Order), order)
        self.gap, self.alphabet_size, self.num_symbols = gap, alphabet_size, num_symbols
        self.score_on, self.encoding, self.order = score_on, encoding, order
        self.longest_gap, self._longest = longest_gap, longest
        self.input_size = alphabet_size + 2 if encoding == "onehot" else 1
        self.sequence_length = longest + num_symbols
        self.nominal_length = longest - num_symbols
        self.load_bits = num_symbols * math.log2(alphabet_size)
        self.sequence_chance = float(alphabet_size) ** -num_symbols
        every = score_on == "all"
        self.answer_length = self.sequence_length if every else num_symbols
        self.output_size = alphabet_size + 1 if every else alphabet_size
        self.chance = self._chance()
        if every:
            # Blanks alone are above 0.99 at long gaps.
            blanks = self.answer_length - num_symbols
            self.solved_accuracy = (blanks + 0.99 * num_symbols) / self.answer_length

    def _chance(self) -> Chance:
        """Return what a predictor gets that knows the clock, but no symbol."""
        size, length = self.alphabet_size, self.answer_length
        known = length - self.num_symbols
        loss = self.num_symbols * math.log(size) / length
        return Chance(loss, (known + self.num_symbols / size) / length)

    @property
    def distances(self) -> tuple[int, int]:
        beside = self.num_symbols - 1 if self.order == "reverse" else 0
        return self.gap - beside, self._longest + beside

    @property
    def span(self) -> int:
        return self.distances[1]

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        shape = (self.num_symbols, batch_size)
        device = generator.device
        symbols = torch.randint(self.alphabet_size, shape, generator=generator, device=device)
        shown = torch.full((self.sequence_length, batch_size), self.alphabet_size, device=device)
        shown.scatter_(0, self._draw_places(batch_size, generator), symbols)
        shown[self._longest - 1] = self.alphabet_size + 1
        blanks = self.answer_length - self.num_symbols
        before = symbols.new_full((blanks, batch_size), self.alphabet_size)
        asked = symbols.flip(0) if self.order == "reverse" else symbols
        return Batch(self._encode(shown), torch.cat([before, asked]))

    def _draw_places(self, batch_size: int, generator: Generator) -> Tensor:
        """Return the time steps `(K, B)` at which the symbols are shown."""
        device = generator.device
        places = torch.arange(self.num_symbols, device=device)[:, None].expand(-1, batch_size)
        if self.longest_gap is None:
            return places
        spare = self.longest_gap - self.gap
        blanks = torch.randint(spare + 1, (1, batch_size), generator=generator, device=device)
        return places + blanks

    def _encode(self, shown: Tensor) -> Tensor:
        """Turn channel numbers `(T, B)` into inputs `(T, B, F)`."""
        if self.encoding == "onehot":
            inputs = torch.zeros(*shown.shape, self.input_size, device=shown.device)
            return inputs.scatter_(2, shown[..., None], 1.0)
        blank = self.alphabet_size
        digits = torch.where(shown < blank, shown + 1, torch.where(shown == blank, 0, shown))
        return digits[..., None].float()

    def ages(self, batch: Batch) -> Tensor:
        ages = super().ages(batch)
        onehot = self.encoding == "onehot"
        blank = batch.inputs[..., self.alphabet_size] == 1 if onehot else batch.inputs[..., 0] == 0
        first = self._longest - self.gap  # where the row begins in `dependencies`
        later = (~blank).int().argmax(0) - first
        return torch.where(ages > 0, ages - later, 0)

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[-1 if self.order == "reverse" else -self.num_symbols]

    def dependencies(self) -> Tensor:
        read = torch.arange(self.sequence_length - self.answer_length, self.sequence_length)
        first = self._longest - self.gap  # the time step of the first symbol
        place = read - self._longest
        if self.order == "reverse":
            place = torch.where(place >= 0, self.num_symbols - 1 - place, place)
        return torch.stack([torch.where(place >= 0, first + place, -1), read], 1)
