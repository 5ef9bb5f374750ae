"""Keyed recall: of several keys shown with their values, the value of the one that is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, draw_orders, require


class Keys(ClassificationTask):
    """Name the value that was shown with the key of the query.

    Multi-query associative recall (Arora et al., 2023, arXiv:2312.04927) with one query, key and
    value in one time step. One sequence with K = 3 keys, values a to d, gap 5; `?` is the query:

        time     0 1 2 3 4 5 6 7
        key      2 3 1         3
        value    d a a
        query                  ?
        answer                 a

    Each key is shown once, in random order, and values may be the same, so that keys and values
    are independent. Were the place of the asked pair fixed, the clock alone would tell which one
    to keep: so the distance is uniform on gap to gap + K - 1, and `gap` is the least. With one
    key it is delayed recall without distractors.

    Channels: 0 to K - 1 key, K to K + A - 1 value, K + A query.

    Attributes:
        bag: what knowing all values, but not which key has which, gets.
    """

    def __init__(self, *, gap: int, num_keys: int = 4, alphabet_size: int = 8) -> None:
        """Check and derive sizes, chance and plateau.

        Args:
            gap: at least 1.
            num_keys: K.
            alphabet_size: A, different values.

        Raises:
            ValueError: an argument is out of its range.
        """
        require("gap", "be at least 1", gap >= 1, gap)
        require("num_keys", "be at least 1", num_keys >= 1, num_keys)
        require("alphabet_size", "be at least 2", alphabet_size >= 2, alphabet_size)
        self.gap, self.num_keys, self.alphabet_size = gap, num_keys, alphabet_size
        self.input_size, self.output_size = num_keys + alphabet_size + 1, alphabet_size
        self.sequence_length, self.answer_length = num_keys + gap, 1
        self.load_bits = num_keys * math.log2(alphabet_size)
        self.chance = Chance(math.log(alphabet_size), 1 / alphabet_size)
        self.bag = bag_of_values(num_keys, alphabet_size)
        if num_keys > 1:
            self.plateaus = {"values without keys": self.bag.loss}

    @property
    def distances(self) -> tuple[int, int]:
        return self.gap, self.gap + self.num_keys - 1

    @property
    def span(self) -> int:
        return self.distances[1]

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        count, device = self.num_keys, generator.device
        shape = (count, batch_size)
        keys = draw_orders(count, batch_size, generator)
        values = torch.randint(self.alphabet_size, shape, generator=generator, device=device)
        asked = torch.randint(count, (1, batch_size), generator=generator, device=device)
        inputs = torch.zeros(self.sequence_length, batch_size, self.input_size, device=device)
        inputs[:count].scatter_(2, keys[..., None], 1.0)
        inputs[:count].scatter_(2, count + values[..., None], 1.0)
        inputs[-1].scatter_(1, keys.gather(0, asked).T, 1.0)
        inputs[-1, :, -1] = 1.0
        return Batch(inputs, values.gather(0, asked))

    def ages(self, batch: Batch) -> Tensor:
        keys = batch.inputs[..., : self.num_keys]
        place = (keys[: self.num_keys] * keys[-1]).sum(-1).argmax(0, keepdim=True)
        return self.sequence_length - 1 - place

    def cue(self, batch: Batch) -> Tensor:
        """Return the value of the last pair, which is `gap` old when it is the one asked for."""
        return batch.inputs[self.num_keys - 1, :, self.num_keys : -1].argmax(-1)

    def dependencies(self) -> Tensor:
        return torch.tensor([[self.num_keys - 1, self.sequence_length - 1]])


@cache
def bag_of_values(count: int, size: int) -> Chance:
    """Return loss and accuracy of naming one of `count` uniform values, of which the bag is known.

    The best answer is the most frequent value, and the loss is the entropy of the values' shares
    in the bag; how often one value is there is binomial.
    """
    at_most = (_none_more_often(times, count, size) for times in range(1, count))
    most = count - sum(at_most)  # expected, of the most frequent value
    loss = 0.0
    for times in range(1, count):
        ways = math.comb(count, times) * (size - 1) ** (count - times)
        loss -= ways / size ** (count - 1) * times / count * math.log(times / count)
    return Chance(loss, most / count)


def _none_more_often(times: int, count: int, size: int) -> float:
    """Return how likely none of `size` values is there more often than so many times."""
    series = [1.0]
    once = [1 / math.factorial(each) for each in range(times + 1)]
    for bit in f"{size:b}":  # the series of all values is the power of one's
        series = _multiply(series, series, count)
        series = _multiply(series, once, count) if bit == "1" else series
    return series[count] * math.factorial(count) / size**count if count < len(series) else 0.0


def _multiply(first: Sequence[float], second: Sequence[float], degree: int) -> list[float]:
    """Multiply two power series, up to a degree."""
    product = [0.0] * (min(len(first) + len(second) - 2, degree) + 1)
    for place, factor in enumerate(first):
        for other, value in enumerate(second[: len(product) - place]):
            product[place + other] += factor * value
    return product
