"""Tracking: the product of all group elements shown so far."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from rnnbench.task import (
    Batch,
    Chance,
    ClassificationTask,
    draw_orders,
    require,
    require_choice,
)

Group = Literal["z2", "z5", "s3", "a5", "s5"]
Ask = Literal["every_step", "end"]


class Tracking(ClassificationTask):
    """Name the product of all group elements shown so far: a state that every input changes.

    State tracking as in Merrill et al. (2024, arXiv:2404.08819) and Grazzi et al. (2025,
    arXiv:2411.12537); with group z2 it is parity. One sequence, gap 5, group z5 (sums modulo 5),
    asked at every step; the second one is asked at the end, with `updates=3`, and has `.` where
    nothing is to be done and `?` as the query:

        time     0 1 2 3 4 5            time     0 1 2 3 4 5
        element  3 1 4 0 2 2            element  3 . 4 . 2 ?
        answer   3 4 3 3 0 2            answer             4

    Groups: z2, z5 (sums modulo 2, 5), s3, s5 (all permutations of 3, 5 things), a5 (the even ones
    of 5). The product of permutations in the order shown does the later one first. Every answer
    needs every element so far: whoever misses one of them, whichever it is, is at chance. In s3
    and s5 a part can be known: whether the product is even, which is parity.

    `gap` is the distance of the last answer, from the first element, which is at time 0. Asked at
    every step, the answer at time t has distance t. That at time 0 needs no memory; chance and
    `solved_accuracy` count it as known. It is asked since networks then learn the others sooner: in
    a trial LSTM and GRU solved s3 at gap 20 within 600 steps in four runs of four, and without it
    one of four had learned it after 1,500.

    Channels: 0 to |G| - 1 element, |G| nothing to be done; asked at the end |G| + 1 query.
    """

    def __init__(
        self,
        *,
        gap: int,
        group: Group = "s3",
        updates: int | None = None,
        ask: Ask = "every_step",
    ) -> None:
        """Check, and build the group's table.

        Args:
            gap: at least 1.
            group: z2, z5, s3, a5 or s5.
            updates: elements in a sequence, the first at time 0, the others at random time steps;
                None: one at every time step (but that of the query).
            ask: at "every_step", or at the "end", in a time step of its own.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be at least 1", gap >= 1, gap)
        require_choice("group", get_args(Group), group)
        require_choice("ask", get_args(Ask), ask)
        self._places = gap if ask == "end" else gap + 1  # time steps that may hold an element
        shown = self._places if updates is None else updates
        rule = f"be null or 1 to {self._places}"
        require("updates", rule, 1 <= shown <= self._places, updates)
        self.gap, self.group, self.updates, self.ask = gap, group, updates, ask
        self._shown, self._table = shown, _products(group)
        self.output_size = len(self._table)
        self.input_size = self.output_size + (2 if ask == "end" else 1)
        self.sequence_length = gap + 1
        self.answer_length = 1 if ask == "end" else gap + 1
        self.load_bits = math.log2(self.output_size)
        known = self.answer_length - (1 if ask == "end" else gap)  # answers that need no memory
        unknown = 1 - known / self.answer_length
        size = self.output_size
        self.chance = Chance(unknown * math.log(size), 1 - unknown + unknown / size)
        self.solved_accuracy = 1 - 0.01 * unknown
        if group in ("s3", "s5"):
            self.plateaus = {"even or odd": unknown * math.log(size / 2)}

    @property
    def distances(self) -> tuple[int, int]:
        return (self.gap if self.ask == "end" else 1), self.gap

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        size, device = self.output_size, generator.device
        shape = (self._places, batch_size)
        elements = torch.randint(size, shape, generator=generator, device=device)
        later = draw_orders(self._places - 1, batch_size, generator)
        active = torch.zeros(shape, dtype=torch.bool, device=device)
        active[0] = True
        active[1:].scatter_(0, later[: self._shown - 1], True)
        inputs = torch.zeros(self.sequence_length, batch_size, self.input_size, device=device)
        inputs[: self._places].scatter_(2, torch.where(active, elements, size)[..., None], 1.0)
        if self.ask == "end":
            inputs[-1, :, -1] = 1.0
        table = self._table.to(device)
        products = [elements[0]]
        for element, acts in zip(elements[1:], active[1:], strict=True):
            products.append(torch.where(acts, table[products[-1], element], products[-1]))
        return Batch(inputs, torch.stack(products[-self.answer_length :]))

    def cue(self, batch: Batch) -> Tensor:
        return batch.inputs[0, :, : self.output_size].argmax(-1)

    def dependencies(self) -> Tensor:
        read = torch.arange(self.sequence_length - self.answer_length, self.sequence_length)
        return torch.stack([torch.where(read > 0, 0, -1), read], 1)


def _products(group: str) -> Tensor:
    """Return the table `(|G|, |G|)` of the numbers of the products a b, by the numbers of a, b."""
    kind, size = group[0], int(group[1:])
    if kind == "z":
        numbers = torch.arange(size)
        return (numbers[:, None] + numbers) % size
    elements = [p for p in permutations(range(size)) if kind == "s" or _is_even(p)]
    number = {element: place for place, element in enumerate(elements)}
    rows = [[number[tuple(a[i] for i in b)] for b in elements] for a in elements]
    return torch.tensor(rows)


def _is_even(permutation: tuple[int, ...]) -> bool:
    size = len(permutation)
    pairs = ((i, j) for i in range(size) for j in range(i + 1, size))
    return sum(permutation[i] > permutation[j] for i, j in pairs) % 2 == 0
