"""Temporal order: in which order were a few events shown, among distractors?"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, draw_places, require

DISTRACTORS = 4


class Order(ClassificationTask):
    """Name the order in which events X and Y were shown, among distractors a to d.

    Hochreiter & Schmidhuber (1997), experiments 6a and 6b, with two and three events, the first
    exactly `gap` before the query `?`. One sequence, gap 7, two events:

        time     0 1 2 3 4 5 6 7
        input    X b a Y d c a ?
        answer                 X, then Y

    The answer is one of 2^n classes: the sum of 2^i over the events i, from 0, that are Y.

    Channels: 0 X, 1 Y, 2 to 5 distractors, 6 query.
    """

    def __init__(self, *, gap: int, num_events: int = 2) -> None:
        """Check and derive sizes, chance and plateaus.

        Args:
            gap: at least num_events.
            num_events: n, 1 to 10.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("num_events", "be 1 to 10", 1 <= num_events <= 10, num_events)
        require("gap", f"be at least num_events = {num_events}", gap >= num_events, gap)
        self.gap, self.num_events = gap, num_events
        self.input_size, self.output_size = 3 + DISTRACTORS, 2**num_events
        self.sequence_length, self.answer_length = gap + 1, 1
        self.load_bits = float(num_events)
        self.chance = Chance(num_events * math.log(2), 0.5**num_events)
        known = {"all but the first": 1, "the last alone": num_events - 1}  # unknown events of each
        if num_events > 1:
            self.plateaus = {name: count * math.log(2) for name, count in known.items()}

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        gap, device = self.gap, generator.device
        shape = (gap, batch_size)
        shown = 2 + torch.randint(DISTRACTORS, shape, generator=generator, device=device)
        places = draw_places(self.num_events, gap, batch_size, generator)
        events = torch.randint(2, places.shape, generator=generator, device=device)
        shown.scatter_(0, places, events)
        inputs = torch.zeros(self.sequence_length, batch_size, self.input_size, device=device)
        inputs[:-1].scatter_(2, shown[..., None], 1.0)
        inputs[-1, :, -1] = 1.0
        worth = 2 ** torch.arange(self.num_events, device=device)
        return Batch(inputs, (events * worth[:, None]).sum(0, keepdim=True))

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[0] % 2

    def dependencies(self) -> Tensor:
        return torch.tensor([[0, self.gap]])
