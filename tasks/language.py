"""Language: a word that an earlier one decides, through sentences that do not matter."""

from __future__ import annotations

from itertools import chain
from math import log, log2
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from rnnbench.task import Batch, Chance, ClassificationTask, require, require_choice

SINGULAR = "key cabinet book letter car door".split()
# What a word in capitals may be; any other word stands for itself.
WORDS = {
    "COUNTRY": "France Spain Italy Poland Turkey Japan China Greece".split(),
    "NOUN": [*SINGULAR, *(f"{noun}s" for noun in SINGULAR)],
    "MASS": "water sand music bread".split(),
    "ADJECTIVE": "old new red small".split(),
    "NEAR": "near behind with beside".split(),
    "PERSON": "She He Everyone Nobody".split(),
    "VERB": "slept laughed waited sang".split(),
}


class Text(NamedTuple):
    """Hold a grammar: how a text begins, the word that decides, and what follows, in words.

    Attributes:
        fillers: parts, of which as many follow as fill the gap.
        lures: parts of which at least one is among them, if there are to be lures.
        end: the answer is read at its last word, or at that of the last filler.
    """

    start: str
    cue: str
    after: str
    fillers: tuple[str, ...]
    lures: tuple[str, ...]
    end: str


TEXTS = {
    "country": Text(
        start="I grew up in",
        cue="COUNTRY",
        after=".",
        fillers=("PERSON VERB .", "PERSON VERB today .", "The house was ADJECTIVE ."),
        lures=("My friend grew up in COUNTRY .",),
        end="I speak fluent",
    ),
    "agreement": Text(
        start="The",
        cue="NOUN",
        after="",
        fillers=("NEAR the MASS", "NEAR the ADJECTIVE MASS"),
        lures=("NEAR the NOUN", "NEAR the ADJECTIVE NOUN"),
        end="",
    ),
}


class Language(ClassificationTask):
    """Name what an earlier word decides, in sentences of a small grammar.

    `about: country` is the example of Olah (2015, "Understanding LSTM Networks"): which of eight
    languages does one speak who grew up in a country? `about: agreement` is that of Linzen et al.
    (2016, arXiv:1611.01368): is the verb of a subject singular (0) or plural (1)? A text of each,
    gap 11 and gap 7; the answer is read at the last word:

        I grew up in Spain . My friend grew up in Japan . I speak fluent    Spanish
        The keys near the cabinet behind the old door                       are

    `gap` is exact, in words. What stands between does not depend on the answer, nor do the lures:
    other countries, other nouns that have a number. At least one is there: whoever names the last
    country, or goes by the last such noun, is at chance. All rows of sentences of the right length
    are equally likely, and so are all words in a place.

    Channels: one for each word of `vocabulary`.

    Attributes:
        vocabulary: the words, in the order of the channels.
    """

    def __init__(
        self, *, gap: int, about: Literal["country", "agreement"] = "country", lures: bool = True
    ) -> None:
        """Check, and count texts.

        Args:
            gap: in words; a few short ones are filled by no row of sentences.
            about: "country" or "agreement".
            lures: whether there are any; if not, no other country and no other noun with a number.

        Raises:
            ValueError: an argument is out of its range.
        """
        require_choice("about", tuple(TEXTS), about)
        require("gap", "be at least 1", gap >= 1, gap)
        require("lures", "be true or false", isinstance(lures, bool), lures)
        text = TEXTS[about]
        self.gap, self.about, self.lures = gap, about, lures
        self._start, after, end = text.start.split(), text.after.split(), text.end.split()
        fillers, others = ([part.split() for part in parts] for parts in (text.fillers, text.lures))
        self._parts = [*fillers, *(others if lures else [])]
        self._lures = [part in others for part in self._parts]
        self._after, self._filled = len(after), gap - len(after) - len(end)
        ways = self._ways(max(self._filled, 0) + max(map(len, self._parts)))
        possible = [
            length for length in range(len(ways)) if length >= self._filled and ways[length][lures]
        ]
        nearest = gap - self._filled + possible[0]
        require("gap", f"be filled by whole sentences, as {nearest} is", nearest == gap, gap)
        self._shares = self._share_out(ways)
        self._fixed = [*self._start, text.cue, *after, *end]
        words = [*self._fixed, *(word for part in (*fillers, *others) for word in part)]
        each = [WORDS.get(name, [name]) for name in dict.fromkeys(words)]
        self.vocabulary = [word for group in each for word in group]
        self.input_size = len(self.vocabulary)
        self.output_size = len(WORDS["COUNTRY"]) if about == "country" else 2
        self.sequence_length, self.answer_length = len(self._start) + 1 + gap, 1
        self.load_bits = log2(self.output_size)
        self.chance = Chance(log(self.output_size), 1 / self.output_size)

    def _ways(self, longest: int) -> list[tuple[int, int]]:
        """Return in how many ways parts fill 0 to `longest` words: in all, and with a lure."""
        ways = [(1, 0)]  # exact: they outgrow any float
        for length in range(1, longest + 1):
            rests = [
                (ways[length - len(part)], lure)
                for part, lure in zip(self._parts, self._lures, strict=True)
                if len(part) <= length
            ]
            ways.append(
                (sum(rest[0] for rest, _ in rests), sum(rest[not lure] for rest, lure in rests))
            )
        return ways

    def _share_out(self, ways: list[tuple[int, int]]) -> Tensor:
        """Return how likely each part comes next, summed up over the parts.

        Returns:
            `(filled + 1, 2, parts)`, float64: by the words that are left to fill, and by whether a
            lure must still come.
        """
        shares = torch.zeros(self._filled + 1, 2, len(self._parts), dtype=torch.float64)
        for left in range(1, self._filled + 1):
            for needs in (0, 1):
                for place, (part, lure) in enumerate(zip(self._parts, self._lures, strict=True)):
                    if len(part) <= left and ways[left][needs]:
                        rest = ways[left - len(part)][needs and not lure]
                        shares[left, needs, place] = rest / ways[left][needs]
        return shares.cumsum(-1)

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        device = generator.device
        shape = (self.sequence_length, batch_size)
        drawn = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
        slots = self._draw_slots(batch_size, generator)
        first, size = (each.to(device)[slots] for each in self._slot_words())
        words = first + (drawn * size).long()
        inputs = torch.zeros(*shape, self.input_size, device=device)
        inputs.scatter_(2, words[..., None], 1.0)
        cue = words[len(self._start)] - first[len(self._start)]
        targets = cue if self.about == "country" else (cue >= len(SINGULAR)).long()
        return Batch(inputs, targets[None])

    def _slot_words(self) -> tuple[Tensor, Tensor]:
        """Return for each word of the grammar its first channel, and how many it may be."""
        groups = [WORDS.get(name, [name]) for name in [*self._fixed, *chain(*self._parts)]]
        first = torch.tensor([self.vocabulary.index(group[0]) for group in groups])
        return first, torch.tensor([len(group) for group in groups])

    def _draw_slots(self, batch_size: int, generator: Generator) -> Tensor:
        """Return which word of the grammar is at each time step, `(T, B)`."""
        device = generator.device
        shape = (self._filled, batch_size)
        drawn = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
        lengths = torch.tensor([len(part) for part in self._parts], device=device)
        starts = len(self._fixed) + lengths.cumsum(0) - lengths
        shares, is_lure = self._shares.to(device), torch.tensor(self._lures, device=device)
        needs = torch.full((batch_size,), int(self.lures), device=device)
        slot, ends = torch.zeros_like(needs), torch.zeros_like(needs)  # where a part is, and ends
        filled = []
        for time in range(self._filled):
            likely = shares[self._filled - time, needs]
            part = (drawn[time][:, None] >= likely).sum(-1).clamp(max=len(lengths) - 1)
            begins = slot == ends
            slot = torch.where(begins, starts[part], slot)
            ends = torch.where(begins, starts[part] + lengths[part], ends)
            needs = torch.where(begins & is_lure[part], 0, needs)
            filled.append(slot)
            slot = slot + 1
        before = len(self._start) + 1 + self._after
        fixed = torch.arange(len(self._fixed), device=device)[:, None].expand(-1, batch_size)
        return torch.cat([fixed[:before], *(each[None] for each in filled), fixed[before:]])

    def cue(self, batch: Batch) -> Tensor:
        return batch.targets[0]

    def dependencies(self) -> Tensor:
        return torch.tensor([[len(self._start), self.sequence_length - 1]])
