"""Adding: the sum of the two marked values in a row of random ones."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, RegressionTask, require


class Adding(RegressionTask):
    """Add the two marked values, of which the first is `gap` time steps old when asked for.

    Hochreiter & Schmidhuber (1997), experiment 4, with values from U[0, 1]. One sequence, gap 6:

        time     0   1   2   3   4   5   6
        value   .3  .9  .1  .7  .5  .2  .8
        marker   1   0   0   1   0   0   0
        answer                           1.0

    Channels: 0 value, 1 marker.
    """

    def __init__(
        self,
        *,
        gap: int,
        layout: Literal["exact", "half"] = "exact",
        tolerance: float = 0.1,
    ) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least 2.
            layout: "exact": the first marker is at time 0, the second anywhere but at the ends,
                T = gap + 1. "half", as in papers: T = 2 gap, one marker anywhere in each half;
                the distance then varies from gap to T - 1, and gap is the least.
            tolerance: an answer is right when its absolute error is below this; at most 1.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be at least 2", gap >= 2, gap)
        require("layout", "be exact or half", layout in ("exact", "half"), layout)
        require("tolerance", "be above 0 and at most 1", 0 < tolerance <= 1, tolerance)
        self.gap, self.layout, self.tolerance = gap, layout, tolerance
        self.input_size, self.output_size, self.answer_length = 2, 1, 1
        self.sequence_length = gap + 1 if layout == "exact" else 2 * gap
        self.load_bits = math.nan
        # The sum of two uniform values has variance 1/6 around 1, and density 1 - |s - 1|.
        self.chance = Chance(1 / 6, 2 * tolerance - tolerance**2)
        self.plateaus = {"one of two": 1 / 12}

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        shape = (self.sequence_length, batch_size)
        values = torch.rand(shape, generator=generator, device=generator.device)
        marks = torch.zeros_like(values)
        for low, high in self._marker_ranges():
            place = torch.randint(
                low, high, (1, batch_size), generator=generator, device=generator.device
            )
            marks.scatter_(0, place, 1.0)
        return Batch(torch.stack([values, marks], -1), (values * marks).sum(0, keepdim=True))

    def _marker_ranges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the first time step and the one after the last of each marker."""
        if self.layout == "exact":
            return (0, 1), (1, self.gap)
        return (0, self.gap), (self.gap, 2 * self.gap)

    def dependencies(self) -> Tensor:
        last = self.sequence_length - 1
        return torch.tensor([[last - self.gap, last]])
