"""A kind of fault: a function that disturbs a trial's sweep, and how often its turn comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.trial import Trial

Disturb = Callable[[Trial], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: as it is shown and asked for.
        disturb: does the harm, and notes what is said of it. What it leaves behind is run again
            and compared by `tests.faults.verdict`.
        every: it has a turn in every so many rounds; more than 1 where one takes long.
        engine: of the sweep.
        cold: its runs are always new Pythons.
    """

    name: str
    disturb: Disturb
    every: int
    engine: str
    cold: bool


KINDS: dict[str, Kind] = {}


def kind(
    name: str, *, every: int = 1, engine: str = "reference", cold: bool = False
) -> Callable[[Disturb], Disturb]:
    """Make a function a kind of fault; arguments as in `Kind`."""

    def register(disturb: Disturb) -> Disturb:
        KINDS[name] = Kind(name, disturb, every, engine, cold)
        return disturb

    return register
