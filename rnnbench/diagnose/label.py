"""Label why a run forgot, by stated rules, and say what the label rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnnbench.store.records import Record

SOLVED, NEARLY, VANISHING, EXPLODING = "solved", "nearly solved", "vanishing", "exploding"
CAPACITY, UNFINISHED, UNCLEAR = "capacity", "not trained long enough", "unclear"
LABELS = (SOLVED, NEARLY, VANISHING, EXPLODING, CAPACITY, UNFINISHED, UNCLEAR)

# Share of the gradient at lag 0 below which what comes from the cue is lost among the rest: as
# large is the noise of a mean over all sequences of a training, 1 / sqrt(3,000 steps of 64).
VANISHED = 2e-3
# Multiple of the gradient at lag 0: orders of magnitude, not a factor.
EXPLODED = 100.0
# Clipping by itself tells of the bound: runs of copy whose gradient does not grow with the lag
# have been clipped at nine steps in ten. So it counts only together with a gradient that grows.
MOSTLY_CLIPPED, GROWING = 0.5, 10.0
REMEMBERED = 0.9  # score of which D90 tells how far it reaches
LOST = 0.1  # of the cue is all that a linear read-out recovers, 0 being chance
LEARNED = 0.1  # score above which a run has learned something
STILL_FALLING = 0.02  # of the chance loss, over the last third of the evaluations
CLEARLY = 2.0  # standard errors of that fall


class Fall(NamedTuple):
    """How far a line fitted to the last third of the evaluations falls, in chance losses.

    The error is the standard error of that drop, from their scatter around the line.
    """

    drop: float
    error: float

    @property
    def goes_on(self) -> bool:
        return self.drop > max(STILL_FALLING, CLEARLY * self.error)

    @property
    def is_over(self) -> bool:
        return self.drop < STILL_FALLING


@dataclass(frozen=True)
class Evidence:
    """What was measured of a run, for the rules to look at; None where it was not.

    Attributes:
        status, score: of the run's record.
        load_bits: of the task; None where its answer is a real number.
        arrived: gradient at the cue's lag over that at lag 0, before and after training.
        growth: the greatest gradient at any lag up to the cue's over that at lag 0, after training.
        recovered: of the cue, from the last state, after training.
        clipped: share of the steps.
        fall: of the loss at the end of training; None with fewer than three evaluations there.
    """

    status: str
    score: float
    load_bits: float | None
    arrived: tuple[float | None, float | None]
    growth: float | None
    recovered: float | None
    clipped: float | None
    fall: Fall | None


def gather(record: Record, measured: Record) -> Evidence:
    """Return the evidence on a run from its record and what was measured of it."""
    phases, cue_time = measured["phases"], measured["cue_time"]
    before, after = phases.get("initial", {}), phases.get("trained", {})
    at_cue = slice(cue_time, cue_time + 1)
    return Evidence(
        status=record["status"],
        score=record["score"],
        load_bits=record.get("load_bits"),
        arrived=(_largest(before, at_cue), _largest(after, at_cue)),
        growth=_largest(after, slice(cue_time, None)),
        recovered=after["cue"][-1] if after.get("cue") else None,
        clipped=measured["clipped_share"],
        fall=fall(record["history"], record["chance_loss"]),
    )


def label(e: Evidence) -> tuple[str, str]:
    """Return the first label whose rule holds, and what it rests on, as a sentence."""
    trained, score = e.arrived[1], f"score {e.score:.2f}"
    if e.status == "solved":
        return SOLVED, _sentence(f"score {e.score:.3f}", *_said(e))
    if e.status == "diverged":
        return EXPLODING, _sentence("the loss ceased to be finite")
    grows = e.growth if e.growth is not None and e.score < REMEMBERED else 0.0
    grown = f"the gradient grows to {grows:.0f} times that at lag 0"
    if grows >= EXPLODED:
        return EXPLODING, _sentence(grown, score)
    if (e.clipped or 0) >= MOSTLY_CLIPPED and grows >= GROWING:
        return EXPLODING, _sentence(grown, f"{e.clipped:.0%} of the steps were clipped", score)
    if e.fall is not None and e.fall.goes_on:
        falling = f"over the last third the loss still fell by {e.fall.drop:.2f} of chance's"
        return UNFINISHED, _sentence(falling, score)
    lost = e.recovered is not None and e.recovered < LOST
    tiny = all(share is not None and share < VANISHED for share in e.arrived)
    if tiny and lost:
        return VANISHING, _sentence(*_said(e))
    if e.score >= REMEMBERED:
        return NEARLY, _sentence(score, *_said(e))
    arrives = trained is not None and trained >= VANISHED
    flat = e.fall is not None and e.fall.is_over
    several = e.load_bits is not None and math.isfinite(e.load_bits)
    holds = e.recovered is not None and e.recovered >= LOST
    if arrives and holds and flat and several and e.score >= LEARNED:
        stuck = f"score stuck at {e.score:.2f} of {e.load_bits:g} bits to be carried"
        return CAPACITY, _sentence(stuck, *_said(e))
    return UNCLEAR, _sentence(score, *_said(e))


def _said(e: Evidence) -> Iterator[str]:
    """Say in words what was measured of the gradient and of the cue."""
    pairs = zip(e.arrived, ("before", "after"), strict=True)
    arrived = [f"{share:.1e} {when} training" for share, when in pairs if share is not None]
    if arrived:
        yield f"gradient at the cue over that at lag 0: {', '.join(arrived)}"
    if e.recovered is not None:
        yield f"recoverable of the cue at the end: {e.recovered:.2f}"


def _sentence(*parts: str) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _largest(phase: Any, times: slice) -> float | None:
    """Return the largest gradient at some time steps, over that at lag 0."""
    total = phase["gradient"]["total"] if phase else [0.0]
    return max(total[times]) / total[-1] if total[-1] else None


def fall(history: Sequence[Record], chance_loss: float) -> Fall | None:
    """Return how the loss fell over the last third of a run's evaluations."""
    losses = [row["loss"] for row in history][-(len(history) // 3) :]
    if len(losses) < 3 or len(history) < 9 or None in losses:
        return None
    values = np.array(losses, dtype=float) / chance_loss
    times = np.linspace(-0.5, 0.5, len(values))
    slope = float(times @ values / (times @ times))
    scatter = values - values.mean() - slope * times
    error = math.sqrt(float(scatter @ scatter) / (len(values) - 2) / float(times @ times))
    return Fall(-slope, error)
