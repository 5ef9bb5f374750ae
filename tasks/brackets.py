"""Brackets: the type of the bracket that a closing one closes."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from rnnbench.task import UNASKED, Batch, Chance, ClassificationTask, require, require_choice

Ask = Literal["outer", "every"]


class Brackets(ClassificationTask):
    """Name the type of the opening bracket that a closing bracket belongs to.

    Dyck words of k types and a bounded depth (Hewitt et al., 2020, arXiv:2010.07515). Closing
    brackets show no type. One sequence, gap 7, types `(` and `[`, asked for the outer pair; the
    second is asked for every pair:

        time     0 1 2 3 4 5 6 7        time     0 1 2 3 4 5 6 7
        input    [ ( [ x x ( x x        input    [ ( [ x x ( x x
        answer                 [        answer         [ (   ( [

    The outer pair spans exactly `gap`. What is in it is a balanced word, uniform among all of its
    length whose depth is at most depth - 1, with uniform types: drawn exactly, by counting in how
    many ways a word can go on. Of every pair asked, the distances are the spans, which are odd.

    Channels: 0 to k - 1 opening bracket, k closing bracket.
    """

    def __init__(
        self,
        *,
        gap: int,
        num_types: int = 2,
        depth: int = 4,
        ask: Ask = "outer",
    ) -> None:
        """Check, and count words.

        Args:
            gap: odd, at least 1.
            num_types: k, at least 2.
            depth: of the whole word at most, at least 2. More than (gap + 1) / 2 never occur, and
                bound nothing: so one setting does for short gaps, and for a gap that grows.
            ask: for the type of the "outer" pair, or of "every" one, when it is closed.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be odd and at least 1", gap >= 1 and gap % 2 == 1, gap)
        require("num_types", "be at least 2", num_types >= 2, num_types)
        require("depth", "be at least 2", depth >= 2, depth)
        require_choice("ask", get_args(Ask), ask)
        self.gap, self.num_types, self.depth, self.ask = gap, num_types, depth, ask
        self.asks_all = ask == "outer"
        self.input_size, self.output_size = num_types + 1, num_types
        self.sequence_length, self.answer_length = gap + 1, 1 if self.asks_all else gap
        self.load_bits = math.log2(num_types)
        self.chance = Chance(math.log(num_types), 1 / num_types)
        self._opening = _shares_that_open(gap - 1, depth - 1)

    @property
    def distances(self) -> tuple[int, int]:
        return (self.gap if self.asks_all else 1), self.gap

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        device = generator.device
        opens = self._draw_shape(batch_size, generator)
        types = torch.randint(self.num_types, opens.shape, generator=generator, device=device)
        inputs = torch.zeros(*opens.shape, self.input_size, device=device)
        inputs.scatter_(2, torch.where(opens, types, self.num_types)[..., None], 1.0)
        closed = types.gather(0, _partners(opens))
        return Batch(inputs, torch.where(opens, UNASKED, closed)[-self.answer_length :])

    def _draw_shape(self, batch_size: int, generator: Generator) -> Tensor:
        """Return which time steps open a bracket, `(T, B)`."""
        device = generator.device
        shape = (self.sequence_length, batch_size)
        drawn = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
        opens = torch.zeros(shape, dtype=torch.bool, device=device)
        opens[0] = True
        opening = self._opening.to(device)
        height = torch.zeros(batch_size, dtype=torch.int64, device=device)
        for time in range(1, self.gap):
            opens[time] = drawn[time] < opening[self.gap - time, height]
            height = height + torch.where(opens[time], 1, -1)
        return opens

    def ages(self, batch: Batch) -> Tensor:
        opens = batch.inputs[..., -1] == 0
        read = torch.arange(self.sequence_length, device=opens.device)[:, None]
        return (read - _partners(opens))[-self.answer_length :]

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[-1]

    def dependencies(self) -> Tensor:
        read = torch.arange(self.sequence_length - self.answer_length, self.sequence_length)
        needed = torch.where(read == self.gap, 0, -1)
        return torch.stack([needed, read], 1)


def _shares_that_open(length: int, depth: int) -> Tensor:
    """Return which share of the ways to end a word opens a bracket next.

    Returns:
        `(length + 1, depth + 1)`, float64: by the brackets that are left, and by those that are
        open, 0 to depth.
    """
    ways = [1] + [0] * (depth + 1)  # exact: they outgrow any float
    shares = torch.zeros(length + 1, depth + 1, dtype=torch.float64)
    for left in range(1, length + 1):
        after = [
            (ways[height + 1] if height < depth else 0, ways[height - 1] if height else 0)
            for height in range(depth + 1)
        ]
        for height, (up, down) in enumerate(after):
            shares[left, height] = up / (up + down) if up else 0.0
        ways = [*(up + down for up, down in after), 0]
    return shares


def _partners(opens: Tensor) -> Tensor:
    """Return for each closing bracket the time step of its opening one, `(T, B)`.

    At an opening bracket it is its own time step.
    """
    time = torch.arange(len(opens), device=opens.device)
    # Seen from the bracket's inside: a pair has the same height, and none between is as low.
    height = torch.where(opens, 1, -1).cumsum(0) + (~opens).int()
    found = time[:, None].expand_as(opens).clone()
    latest = torch.zeros(int(height.max()) + 1, opens.shape[1], dtype=torch.int64)
    latest = latest.to(opens.device)
    for now, own in zip(time, height, strict=True):
        found[now] = torch.where(opens[now], now, latest.gather(0, own[None])[0])
        latest.scatter_(0, own[None], found[now : now + 1])
    return found
