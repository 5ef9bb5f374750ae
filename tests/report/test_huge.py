"""Numbers of any size that a record may hold are drawn: a run may have them before it diverges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnbench.report import draw_report
from rnnbench.store.rules import LARGEST

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]
HUGE = 1.7e308  # nearly the largest number


@pytest.mark.parametrize("sign", [1, pytest.param(-1, marks=pytest.mark.long)])
def test_huge_losses_and_scores_are_drawn(fabricate: Fabricate, stored: Stored, sign: int) -> None:
    row = {"step": 200, "loss": HUGE, "accuracy": 0.5, "score": sign * HUGE, "grad_norm": HUGE}
    rate = {"lr": 1e-3, "score": sign * HUGE, "steps": 6.0, "solved": 0, "dropped": False}
    changes = {
        "loss": HUGE,
        "score": sign * HUGE,
        "history": [row],
        "tuning": {"lr": 1e-3, "learned": False, "at_edge": True, "grid": [rate, rate]},
    }
    runs = [fabricate(gap=gap, seed=seed, **changes) for gap in (11, 20) for seed in range(5)]
    runs += [fabricate(gap=gap, seed=5) for gap in (11, 20)]
    assert "index.html" in draw_report([stored(runs)])


@pytest.mark.parametrize(
    "chance", [LARGEST, *(pytest.param(own, marks=pytest.mark.long) for own in (5e-324, 1.0))]
)
def test_any_chance_loss_and_plateau_are_drawn(
    fabricate: Fabricate, stored: Stored, chance: float
) -> None:
    levels = {"chance_loss": chance, "plateaus": {"low": -LARGEST, "high": LARGEST}}
    assert "index.html" in draw_report([stored([fabricate(**levels)])])


@pytest.mark.long
def test_any_keep_bias_is_drawn(fabricate: Fabricate, stored: Stored) -> None:
    biases = (-HUGE, 0.0, HUGE)
    runs = [fabricate(gap=gap, keep_bias=bias) for gap in (11, 20) for bias in biases]
    assert "horizon_vs_keep_bias.png" in draw_report([stored(runs)])
