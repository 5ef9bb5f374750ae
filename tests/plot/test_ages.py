"""The accuracy at each distance, where distances vary inside a sequence, read from the artists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.gap import curve

Fabricate = Callable[..., Any]
Accuracies = dict[int, list[dict[int, float]]]
ENTRY = "at each distance, greatest gap"


def runs(fabricate: Fabricate, accuracies: Accuracies) -> Iterator[Any]:
    """Yield the runs of a cell, whose accuracy is given by gap, seed and distance."""
    for gap, seeds in accuracies.items():
        for seed, found in enumerate(seeds):
            changes = {"accuracy_by_age": {str(age): share for age, share in found.items()}}
            changes |= {"least_distance": min(found), "greatest_distance": max(found)}
            yield fabricate("recall", "gru", gap, seed, accuracy=0.5, **changes)


@pytest.fixture
def draw(labelled: Any) -> Callable[..., Axes]:
    def drawn(rows: list[Any], y: str = "accuracy") -> Axes:
        panel = curve(labelled(rows)[0], y, figure=Figure())
        assert isinstance(panel, Axes)
        return panel

    return drawn


def lines(panel: Axes) -> dict[str, Any]:
    return {str(line.get_label()): line for line in panel.get_lines()}


def legend(panel: Axes) -> list[str]:
    (own,) = panel.get_figure().legends
    return [text.get_text() for text in own.get_texts()]


def test_the_runs_of_the_greatest_gap_give_a_curve_over_distances(
    fabricate: Fabricate, draw: Any
) -> None:
    high, low = (dict.fromkeys((4, 8, 16, 32, 64), share) for share in (1.0, 0.6))
    panel = draw([*runs(fabricate, {11: [low], 64: [high | {64: 0.2}, low | {64: 0.4}]})])
    dots = lines(panel)["_ages gru"]
    assert list(dots.get_xdata()) == pytest.approx([4, 8, 16, 32, 64])
    assert list(dots.get_ydata()) == pytest.approx([0.8, 0.8, 0.8, 0.8, 0.3])
    assert dots.get_color() == lines(panel)["gru"].get_color()
    assert list(panel.get_xticks()) == [4, 11, 64]
    assert legend(panel)[-1] == ENTRY


def test_a_broken_run_counts_at_chance(
    fabricate: Fabricate, break_run: Callable[..., Any], draw: Any
) -> None:
    whole = runs(fabricate, {64: [dict.fromkeys((4, 8, 16, 32, 64), 1.0)] * 2})
    panel = draw([*whole, break_run(fabricate("recall", "gru", 64, 2))])
    assert lines(panel)["_ages gru"].get_ydata() == pytest.approx([(2 + 0.125) / 3] * 5)


def test_neighbouring_distances_are_one_dot(fabricate: Fabricate, draw: Any) -> None:
    falling = {age: 1.0 if age <= 20 else 0.5 for age in range(4, 81)}
    panel = draw([*runs(fabricate, {80: [falling]})])
    dots = lines(panel)["_ages gru"]
    assert np.diff(np.log2(dots.get_xdata())).min() > 0.15
    assert (dots.get_xdata()[0], dots.get_ydata()[0], dots.get_ydata()[-1]) == (4, 1, 0.5)
    assert list(panel.get_xticks()) == [4, 80]


@pytest.mark.parametrize(
    ("ages", "measure"),
    [((4, 8, 16, 32, 64), "score"), ((4, 8, 16, 32, 64), "share"), (range(20, 24), "accuracy")],
    ids=["no chance is known at each", "nothing is solved at each", "near each other"],
)
def test_else_there_are_no_dots(
    fabricate: Fabricate, draw: Any, ages: tuple[int, ...], measure: str
) -> None:
    panel = draw([*runs(fabricate, {ages[-1]: [dict.fromkeys(ages, 1.0)]})], measure)
    assert "_ages gru" not in lines(panel)
    assert ENTRY not in legend(panel)
