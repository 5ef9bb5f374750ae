"""Each label from a case made for it, and none where no rule fits."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rnnbench.diagnose.label import (
    CAPACITY,
    EXPLODING,
    LABELS,
    NEARLY,
    SOLVED,
    UNCLEAR,
    UNFINISHED,
    VANISHING,
    Evidence,
    Fall,
    fall,
    gather,
    label,
)

FLAT, FALLING = Fall(0.001, 0.001), Fall(0.1, 0.01)
# A run that fits no rule: nothing learned, though the gradient arrives and the cue is there.
STUCK = Evidence(
    status="unsolved",
    score=0.0,
    load_bits=3.0,
    arrived=(0.1, 0.1),
    growth=2.0,
    recovered=0.8,
    clipped=0.0,
    fall=FLAT,
)
CASES = [
    (SOLVED, {"status": "solved", "score": 1.0}),
    (SOLVED, {"status": "solved", "score": 1.0, "growth": 1e4, "fall": FALLING}),
    (EXPLODING, {"status": "diverged", "arrived": (0.1, None), "recovered": None, "fall": None}),
    (EXPLODING, {"growth": 100.0}),
    (EXPLODING, {"clipped": 0.5, "growth": 10.0}),
    (NEARLY, {"score": 0.95}),
    (NEARLY, {"score": 0.95, "growth": 1e4, "clipped": 0.9}),
    (UNFINISHED, {"fall": FALLING, "score": 0.5}),
    (VANISHING, {"arrived": (1e-4, 1e-9), "recovered": 0.02}),
    (VANISHING, {"arrived": (1e-4, 0.0), "recovered": 0.02, "score": 0.5}),
    (CAPACITY, {"score": 0.5, "load_bits": 30.0}),
    (UNCLEAR, {}),
    # One piece of each rule missing:
    (UNCLEAR, {"clipped": 0.9}),
    (UNCLEAR, {"clipped": None, "growth": 10.0}),
    (UNCLEAR, {"growth": 99.0}),
    (UNCLEAR, {"fall": Fall(0.1, 0.06)}),
    (UNCLEAR, {"fall": Fall(0.01, 0.0001)}),
    (UNCLEAR, {"arrived": (0.01, 1e-9), "recovered": 0.02}),
    (UNCLEAR, {"arrived": (1e-9, 0.01), "recovered": 0.02}),
    (UNCLEAR, {"arrived": (1e-9, 1e-9), "recovered": 0.2}),
    (UNCLEAR, {"arrived": (1e-9, 1e-9), "recovered": None}),
    (UNCLEAR, {"arrived": (1e-9, None), "recovered": 0.0}),
    (UNCLEAR, {"score": 0.5, "load_bits": None}),
    (UNCLEAR, {"score": 0.5, "load_bits": math.nan}),
    (UNCLEAR, {"score": 0.5, "recovered": 0.05}),
    (UNCLEAR, {"score": 0.5, "arrived": (0.1, 1e-5)}),
    (UNCLEAR, {"score": 0.5, "fall": None}),
    (UNCLEAR, {"score": 0.5, "fall": Fall(0.1, 0.06)}),
]


@pytest.mark.parametrize(("expected", "changes"), CASES, ids=lambda value: str(value)[:60])
def test_the_rules(expected, changes):
    found, evidence = label(replace(STUCK, **changes))
    assert found == expected
    assert found in LABELS
    assert evidence[0].isupper() and evidence.endswith(".")


def test_the_evidence_says_its_numbers():
    _, said = label(replace(STUCK, arrived=(1.23e-4, 4.56e-9), recovered=0.02))
    assert "1.2e-04 before training, 4.6e-09 after training" in said
    assert "recoverable of the cue at the end: 0.02" in said


def history(losses):
    return [{"step": 200 * (i + 1), "loss": loss} for i, loss in enumerate(losses)]


def test_the_fall_of_a_straight_line_by_hand():
    """Fifteen evaluations; the last five fall from 1.0 to 0.6, a fifth of chance's loss of 2."""
    found = fall(history([9.0] * 10 + [1.0, 0.9, 0.8, 0.7, 0.6]), chance_loss=2.0)
    assert found.drop == pytest.approx(0.2)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.goes_on
    assert not fall(history([9.0] * 10 + [0.6, 0.7, 0.8, 0.9, 1.0]), chance_loss=2.0).goes_on


def test_scatter_is_no_fall():
    generator = np.random.default_rng(0)
    goes_on = [
        fall(history(1 + 0.05 * generator.standard_normal(15)), chance_loss=1.0).goes_on
        for _ in range(400)
    ]
    assert np.mean(goes_on) < 0.12  # one-sided, two standard errors at three degrees of freedom


def test_too_short_a_history_tells_nothing():
    assert fall(history([1.0] * 8), 1.0) is None
    assert fall(history([2.0] * 8 + [1.0]), 1.0) is not None
    assert fall([], 1.0) is None


def test_evidence_is_gathered_at_the_cues_lag():
    """The cue stands at time 1 of 0 to 4: what lies before it does not count."""
    phase = {"gradient": {"h": [], "total": [9e3, 1.0, 8.0, 4.0, 2.0]}, "cue": [0.1, 0.2, 0.3]}
    record = {"status": "unsolved", "score": 0.1, "history": [], "chance_loss": 1.0}
    measured = {"phases": {"initial": phase}, "cue_time": 1, "clipped_share": 0.25}
    found = gather(record, measured)
    assert found.arrived == (0.5, None)
    assert (found.growth, found.recovered) == (None, None)
    measured["phases"]["trained"] = phase
    found = gather(record, measured)
    assert found.arrived == (0.5, 0.5)
    assert (found.growth, found.recovered, found.clipped) == (4.0, 0.3, 0.25)
