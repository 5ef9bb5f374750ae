"""Which faults come in which order: all of it follows from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from tests.faults.kind import KINDS, Kind

COLD_EVERY, FIRST_COLD = 8, 1  # faults of a kind


@dataclass(frozen=True)
class Fault:
    """One fault of a schedule.

    Attributes:
        kind: what goes wrong.
        number: how many of its kind came before.
        seed: of the schedule.
        cold: its runs are new Pythons.
    """

    kind: Kind
    number: int
    seed: int
    cold: bool

    @property
    def draw(self) -> Random:
        """Return the source of all that is drawn for it; it depends on no other fault."""
        return Random(f"{self.seed} {self.kind.name} {self.number}")


def schedule(seed: int, names: Sequence[str], kinds: Mapping[str, Kind] = KINDS) -> Iterator[Fault]:
    """Yield faults without end, in rounds in which each kind has a turn, or sits out.

    Args:
        seed: of order and of all that is drawn.
        names: of the kinds that take part.
        kinds: all that there are.
    """
    order = Random(seed)
    numbers = dict.fromkeys(names, 0)
    for turn in count():
        taking_part = [kinds[name] for name in names if (turn + 1) % kinds[name].every == 0]
        order.shuffle(taking_part)
        for kind in taking_part:
            number = numbers[kind.name]
            numbers[kind.name] += 1
            cold = kind.cold or number % COLD_EVERY == FIRST_COLD
            yield Fault(kind, number, seed, cold)
