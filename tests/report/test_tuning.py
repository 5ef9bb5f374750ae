"""The section on tuned rates: there where rates were tuned, true to how they were, warning."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnbench.experiment import tuning
from rnnbench.report.sections.tuning import HOW, MARKS, chosen_rates, edge_warnings
from rnnbench.report.study import read_study

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]


LOWEST, HIGHEST = tuning.GRID[0], tuning.GRID[-1]


def tuned(
    fabricate: Fabricate, gap: int, lr: float, grid: tuple[float, ...] = tuning.GRID, **more: Any
) -> Any:
    """A run whose rate was chosen from a grid."""
    entries = [tuning.RateResult(rate, 0.5, 3000.0, 0, False)._asdict() for rate in grid]
    edge = lr in (grid[0], grid[-1])
    choice = {"lr": lr, "learned": True, "at_edge": edge, "grid": entries, "seeds": [1021]}
    changes = {"tuning": choice | more, "config": {"tuned": True}, "sweep": "tuned"}
    return fabricate(gap=gap, lr=lr, **changes)


def test_the_words_are_those_of_the_tuning() -> None:
    assert len(tuning.TUNING_SEEDS) == 3 and "three tuning seeds" in HOW
    assert tuning.DROP_AFTER == 1 / 3 and "a third of the steps" in HOW
    assert f"by {tuning.MARGIN:g} in score" in HOW
    assert f"within {tuning.NEAR:g} of it" in HOW
    assert f"above {tuning.LEARNED:g}," in MARKS


def test_chosen_rates_stand_by_gap_with_their_marks(fabricate: Fabricate, stored: Stored) -> None:
    records = [
        tuned(fabricate, 10, 0.003),
        tuned(fabricate, 20, HIGHEST),
        tuned(fabricate, 40, 0.001, learned=False),
    ]
    table = chosen_rates(read_study([stored(records)]).tuning)
    assert table.header == ("task", "cell", "gap 10", "gap 20", "gap 40")
    assert table.rows == (("copy", "gru", "0.003", f"{HIGHEST:g}*", "(none)"),)


def test_the_ends_of_the_grid_are_warned_of(fabricate: Fabricate, stored: Stored) -> None:
    records = [
        tuned(fabricate, 10, HIGHEST),
        tuned(fabricate, 20, HIGHEST),
        tuned(fabricate, 40, 0.003),
        tuned(fabricate, 80, LOWEST),
        tuned(fabricate, 160, 0.002, grid=(0.001, 0.002)),
    ]
    assert edge_warnings(read_study([stored(records)]).tuning) == [
        f"copy, gru: {LOWEST:g}, the lowest rate, at gap 80.",
        "copy, gru: 0.002, the highest rate, at gap 160.",
        f"copy, gru: {HIGHEST:g}, the highest rate, at gap 10, 20.",
    ]


def test_the_report_has_the_sections_where_there_is_something_to_tell(
    fabricate: Fabricate, stored: Stored, markdown: Callable[..., str]
) -> None:
    shared = [fabricate(gap=gap) for gap in (10, 20)]
    plain = markdown(stored(shared, "shared"))
    assert "uned" not in "".join(re.findall(r"^#.*$", plain, re.MULTILINE))
    both = [*shared, tuned(fabricate, 10, HIGHEST), tuned(fabricate, 20, 0.003)]
    text = markdown(stored(both, "both"))
    assert "## Tuned against shared learning rate" in text
    assert "## Tuned learning rates" in text
    assert f"- copy, gru: {HIGHEST:g}, the highest rate, at gap 10." in text
    assert re.search(r"\| copy +\| gru, tuned lr +\|", text)
