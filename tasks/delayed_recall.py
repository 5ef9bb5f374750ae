"""Delayed recall: name the flagged symbol when asked, through distractors."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, require, require_choice

Distractors = Literal["noise", "blank", "lure"]


class DelayedRecall(ClassificationTask):
    """Name, at the query, the symbol that was shown with a flag `gap` time steps before.

    One sequence, gap 6, alphabet a to d; `*` flags the cue, `?` is the query:

        time     0 1 2 3 4 5 6
        symbol   c a d d b a
        flag     *
        query                ?
        answer               c

    With `longest_gap`, the cue is anywhere from longest_gap to gap time steps before the query,
    with equal probability, and distractors are before it as well; `gap` is the least distance.

    Channels: 0 to A - 1 symbol, A cue flag, A + 1 query flag; with lures A + 2 lure flag.
    """

    added = ("longest_gap",)

    def __init__(
        self,
        *,
        gap: int,
        alphabet_size: int = 8,
        distractors: Distractors = "noise",
        longest_gap: int | None = None,
    ) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least 1.
            alphabet_size: A, different symbols.
            distractors: between cue and query, "noise" shows random unflagged symbols of the
                same alphabet, "blank" shows nothing, "lure" flags half of the noise, drawn, with a
                flag of its own: whoever keeps what has any flag is at chance.
            longest_gap: the greatest distance, at least gap; None: every distance is the gap.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be at least 1", gap >= 1, gap)
        require("alphabet_size", "be at least 2", alphabet_size >= 2, alphabet_size)
        require_choice("distractors", get_args(Distractors), distractors)
        longest = gap if longest_gap is None else longest_gap
        require("longest_gap", f"be null or at least gap = {gap}", longest >= gap, longest)
        self.gap, self.alphabet_size, self.distractors = gap, alphabet_size, distractors
        self.longest_gap = longest_gap
        self.input_size = alphabet_size + (3 if distractors == "lure" else 2)
        self.output_size = alphabet_size
        self.sequence_length, self.answer_length = longest + 1, 1
        self.load_bits = math.log2(alphabet_size)
        self.chance = Chance(math.log(alphabet_size), 1 / alphabet_size)

    @property
    def distances(self) -> tuple[int, int]:
        return self.gap, self.span

    @property
    def span(self) -> int:
        return self.sequence_length - 1

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        device, size = generator.device, self.alphabet_size
        blank = self.distractors == "blank"
        shape = (1 if blank else self.span, batch_size)
        symbols = torch.randint(size, shape, generator=generator, device=device)
        place = torch.zeros(1, batch_size, dtype=torch.int64, device=device)
        if self.longest_gap is not None:
            spare = self.longest_gap - self.gap + 1
            place = torch.randint(spare, (1, batch_size), generator=generator, device=device)
        inputs = torch.zeros(self.sequence_length, batch_size, self.input_size, device=device)
        if blank:
            inputs[place[0], torch.arange(batch_size, device=device), symbols[0]] = 1.0
        else:
            inputs[:-1].scatter_(2, symbols[..., None], 1.0)
        if self.distractors == "lure":
            drawn = torch.rand(shape, generator=generator, device=device)
            inputs[:-1, :, -1] = (drawn < 0.5).float().scatter(0, place, 0.0)
        inputs[..., size].scatter_(0, place, 1.0)
        inputs[-1, :, size + 1] = 1.0
        return Batch(inputs, symbols.gather(0, torch.zeros_like(place) if blank else place))

    def ages(self, batch: Batch) -> Tensor:
        flags = batch.inputs[..., self.alphabet_size]
        return self.span - flags.argmax(0, keepdim=True)

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[0]

    def dependencies(self) -> Tensor:
        return torch.tensor([[self.span - self.gap, self.span]])
