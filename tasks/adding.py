"""Adding: the sum of the two marked values in a row of random ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, RegressionTask, draw_places, require, require_choice

Layout = Literal["exact", "half", "anywhere", "hs97"]
Operation = Literal["sum", "product"]
Draw = Callable[[int, int], Tensor]
# hs97: the first marker stands at one of so many first time steps.
FIRST_STEPS = 10
MOST_BY_ONE_ANSWER = 0.9  # of products: else the task would be solved by who remembers nothing


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
    constant answer, the mean, in every layout.

    In layout exact there may be n `markers`, the first at time 0, the others on any other steps but
    the last, and the `operation` may be a product (Hochreiter & Schmidhuber, 1997, experiment 5):

        operation   mean   chance, squared error   all but the first known
        sum         n/2    n/12                    1/12
        product     2^-n   3^-n - 4^-n             3^-(n-1) / 12

    Attributes:
        nominal_length: what the literature calls T.
    """

    added = ("operation", "markers")

    def __init__(
        self,
        *,
        gap: int,
        layout: Layout = "exact",
        tolerance: float = 0.1,
        operation: Operation = "sum",
        markers: int = 2,
    ) -> None:
        """Check and derive sizes and chance.

        Args:
            gap: at least 2, and at least `markers`; at least 12 in layout hs97.
            layout: "exact": every distance is the gap. "half": Arjovsky et al. (2016,
                arXiv:1511.06464). "anywhere": Bai et al. (2018, arXiv:1803.01271). "hs97":
                Hochreiter & Schmidhuber's own, with values from U[-1, 1], half the answer,
                0.5 + (x1 + x2) / 4, markers of -1 at the first and last step where there is no
                other, and lengths uniform on T to 1.1 T. A shorter sequence is preceded by
                zeros: what follows the markers, and so the distance, stays as in the paper. It
                sets a marked first value to 0; here that step is one like any other.
            tolerance: an answer is right when its absolute error is below this; at most 1, or
                0.5 in layout hs97, whose paper has 0.04. A biased guesser is right more often than
                by chance on products, unless it is small.
            operation: "sum" or "product" of the marked values; another than sum in layout exact.
            markers: n, marked values, at least 1; others than 2 in layout exact.

        Raises:
            ValueError: an argument is out of its range.
        """
        require_choice("layout", get_args(Layout), layout)
        old = layout == "hs97"
        require("markers", "be at least 1", markers >= 1, markers)
        require_choice("operation", get_args(Operation), operation)
        if layout != "exact":
            where = f" in layout {layout}"
            require("markers", f"be 2{where}", markers == 2, markers)
            require("operation", f"be sum{where}", operation == "sum", operation)
        where = " in layout hs97" if old else ""
        least, scale = (12, 0.5) if old else (max(2, markers), 1.0)
        require("gap", f"be at least {least}{where}", gap >= least, gap)
        rule = f"be above 0 and at most {scale:g}{where}"
        require("tolerance", rule, 0 < tolerance <= scale, tolerance)
        self.gap, self.layout, self.tolerance = gap, layout, tolerance
        self.operation, self.markers = operation, markers
        self.input_size, self.output_size, self.answer_length = 2, 1, 1
        self.nominal_length = {"half": 2 * gap, "hs97": gap + FIRST_STEPS}.get(layout, gap + 1)
        self.sequence_length = self.nominal_length + (self.nominal_length // 10 if old else 0)
        self.load_bits = math.nan
        if operation == "product":
            share = _below(2 * tolerance, markers)  # products near 0 are the most frequent ones
            rule = f"be smaller for {markers} markers, as one answer is right for 9 products in 10"
            require("tolerance", rule, share <= MOST_BY_ONE_ANSWER, tolerance)
            self.chance = _chance_of_product(markers, tolerance)
            rest = 3.0 ** (1 - markers) / 12
        else:
            # The answer is `scale` times a sum of values from U[0, 1].
            self.chance = _chance_of_sum(markers, tolerance, scale)
            rest = scale**2 / 12
        if markers > 1:
            self.plateaus = {"one of two" if markers == 2 else "all but the first": rest}

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
        places: tuple[Tensor, ...]
        if self.markers == 2:
            places = self._draw_two(draw)
        else:
            drawn = draw_places(self.markers, self.gap, batch_size, generator)
            places = drawn[:, None].unbind()
        if self.layout == "hs97":
            return self._place_as_in_1997(2 * values - 1, places, draw)
        marks = torch.zeros_like(values)
        for place in places:
            marks.scatter_(0, place, 1.0)
        if self.operation == "product":
            answers = torch.where(marks == 1, values, 1.0).prod(0, keepdim=True)
        else:
            answers = (values * marks).sum(0, keepdim=True)
        return Batch(torch.stack([values, marks], -1), answers)

    def _draw_two(self, draw: Draw) -> tuple[Tensor, ...]:
        """Return the time steps of two markers `(1, B)`, counted from a sequence's own start."""
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

    def _place_as_in_1997(self, values: Tensor, places: tuple[Tensor, ...], draw: Draw) -> Batch:
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


def _chance_of_sum(count: int, tolerance: float, scale: float) -> Chance:
    """Return what the mean gets as the answer, of `scale` times a sum of values from U[0, 1]."""
    share = tolerance / scale
    # The sum of two has the density 1 - |s - 1|; in general it is Irwin's and Hall's.
    within = 2 * share - share**2 if count == 2 else _irwin_hall(count, share)
    return Chance(scale**2 * count / 12, within)


def _irwin_hall(count: int, distance: float) -> float:
    """Return how likely a sum of values from U[0, 1] is closer to its mean than a distance.

    Irwin (1927, doi:10.2307/2331960), in fractions: in floats the terms would cancel.
    """
    upper = min(Fraction(count, 2) + Fraction(distance), Fraction(count))
    terms = (
        (-1) ** place * math.comb(count, place) * (upper - place) ** count
        for place in range(math.floor(upper) + 1)
    )
    return float(2 * sum(terms) / math.factorial(count) - 1)


def _chance_of_product(count: int, tolerance: float) -> Chance:
    """Return what the mean gets as the answer, of a product of values from U[0, 1]."""
    mean = 0.5**count
    within = _below(mean + tolerance, count) - _below(mean - tolerance, count)
    return Chance(3.0**-count - 4.0**-count, within)


def _below(bound: float, count: int) -> float:
    """Return how likely a product of values from U[0, 1] is below a bound.

    -ln of it is a sum of exponentials.
    """
    if not 0 < bound < 1:
        return float(bound >= 1)
    terms = ((-math.log(bound)) ** order / math.factorial(order) for order in range(count))
    return bound * sum(terms)
