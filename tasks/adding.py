"""Adding: the sum of the two marked values in a row of random ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, RegressionTask, require

Layout = Literal["exact", "half", "anywhere", "hs97"]
Draw = Callable[[int, int], Tensor]
# hs97: the first marker stands at one of so many first time steps.
FIRST_STEPS = 10


class Adding(RegressionTask):
    """Add the two marked values, of which the first is `gap` time steps old when asked for.

    Hochreiter & Schmidhuber (1997), experiment 4, with values from U[0, 1]. One sequence, gap 6:

        time     0   1   2   3   4   5   6
        value   .3  .9  .1  .7  .5  .2  .8
        marker   1   0   0   1   0   0   0
        answer                           1.0

    Channels: 0 value, 1 marker. How the published layouts differ, T being the papers' length:

        layout    T         markers                           distance of the older one
        exact     gap + 1   time 0; any other but the last    gap
        half      2 gap     one anywhere in each half         gap to T - 1
        anywhere  gap + 1   two different steps, anywhere     1 to T - 1, mean (2T - 1) / 3
        hs97      gap + 10  first 10 steps; first T/2         gap to 1.1 T - 1

    `gap` is the least distance, but in `anywhere`, where that is 1 whatever T: there it is the
    greatest, and a network that remembers less is right on a part of the sequences.

    In half and anywhere the second marker may stand at the last step. Chance is that of the best
    constant answer, in every layout.

    Attributes:
        nominal_length: what the literature calls T.
    """

    def __init__(self, *, gap: int, layout: Layout = "exact", tolerance: float = 0.1) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least 2; at least 12 in layout hs97.
            layout: "exact": every distance is the gap. "half": Arjovsky et al. (2016,
                arXiv:1511.06464). "anywhere": Bai et al. (2018, arXiv:1803.01271). "hs97":
                Hochreiter & Schmidhuber's own, with values from U[-1, 1], half the answer,
                0.5 + (x1 + x2) / 4, markers of -1 at the first and last step where there is no
                other, and lengths uniform on T to 1.1 T. A shorter sequence is preceded by
                zeros: what follows the markers, and so the distance, stays as in the paper. It
                sets a marked first value to 0; here that step is one like any other.
            tolerance: an answer is right when its absolute error is below this; at most 1, or
                0.5 in layout hs97, whose paper has 0.04.

        Raises:
            ValueError: an argument is out of its range.
        """
        layouts = ("exact", "half", "anywhere", "hs97")
        require("layout", "be exact, half, anywhere or hs97", layout in layouts, layout)
        old = layout == "hs97"
        least, where = (12, " in layout hs97") if old else (2, "")
        scale = 0.5 if old else 1.0
        require("gap", f"be at least {least}{where}", gap >= least, gap)
        rule = f"be above 0 and at most {scale:g}{where}"
        require("tolerance", rule, 0 < tolerance <= scale, tolerance)
        self.gap, self.layout, self.tolerance = gap, layout, tolerance
        self.input_size, self.output_size, self.answer_length = 2, 1, 1
        self.nominal_length = {"half": 2 * gap, "hs97": gap + FIRST_STEPS}.get(layout, gap + 1)
        self.sequence_length = self.nominal_length + (self.nominal_length // 10 if old else 0)
        self.load_bits = math.nan
        # The sum of two values from U[0, 1] has variance 1/6 around 1, and density 1 - |s - 1|;
        # the answer is `scale` times such a sum.
        share = tolerance / scale
        self.chance = Chance(scale**2 / 6, 2 * share - share**2)
        self.plateaus = {"one of two": scale**2 / 12}

    @property
    def distances(self) -> tuple[int, int]:
        if self.layout == "exact":
            return self.gap, self.gap
        return (1 if self.layout == "anywhere" else self.gap), self.sequence_length - 1

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        def draw(low: int, high: int) -> Tensor:
            size, device = (1, batch_size), generator.device
            return torch.randint(low, high, size, generator=generator, device=device)

        shape = (self.sequence_length, batch_size)
        values = torch.rand(shape, generator=generator, device=generator.device)
        places = self._draw_places(draw)
        if self.layout == "hs97":
            return self._place_as_in_1997(2 * values - 1, places, draw)
        marks = torch.zeros_like(values)
        for place in places:
            marks.scatter_(0, place, 1.0)
        return Batch(torch.stack([values, marks], -1), (values * marks).sum(0, keepdim=True))

    def _draw_places(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return the time steps of the markers `(1, B)`, counted from a sequence's own start."""
        gap, length = self.gap, self.nominal_length
        if self.layout == "exact":
            return draw(0, 1), draw(1, gap)
        if self.layout == "half":
            return draw(0, gap), draw(gap, 2 * gap)
        if self.layout == "anywhere":
            first, other = draw(0, length), draw(0, length - 1)
        else:
            first, other = draw(0, FIRST_STEPS), draw(0, length // 2 - 1)
        return first, other + (other >= first)  # the second among the steps still unmarked

    def _place_as_in_1997(self, values: Tensor, places: tuple[Tensor, Tensor], draw: Draw) -> Batch:
        """Put each sequence, of a length of its own, at the end of its column."""
        longest = self.sequence_length
        start = longest - draw(self.nominal_length, longest + 1)
        time = torch.arange(longest, device=values.device)[:, None]
        values = torch.where(time >= start, values, 0.0)
        marked = (time == places[0] + start) | (time == places[1] + start)
        ends = (time == start) | (time == longest - 1)
        marks = torch.where(marked, 1.0, torch.where(ends, -1.0, 0.0))
        answers = 0.5 + torch.where(marked, values, 0.0).sum(0, keepdim=True) / 4
        return Batch(torch.stack([values, marks], -1), answers)

    def ages(self, batch: Batch) -> Tensor:
        return self.sequence_length - 1 - _oldest(batch)

    def cue(self, batch: Batch) -> Tensor:
        return batch.inputs[..., 0].gather(0, _oldest(batch))[0]

    def dependencies(self) -> Tensor:
        last = self.sequence_length - 1
        return torch.tensor([[last - self.gap, last]])


def _oldest(batch: Batch) -> Tensor:
    """Return the time steps `(1, B)` of the first markers."""
    return (batch.inputs[..., 1] == 1).int().argmax(0, keepdim=True)
