"""The section on tuned rates: there where rates were tuned, true to how they were, warning."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnbench.experiment import tuning
from rnnbench.experiment.limits import LATER
from rnnbench.report.sections.results import run_counts
from rnnbench.report.sections.tuning import (
    HOW,
    MARKS,
    chosen_rates,
    earlier_rates,
    edge_warnings,
    how_chosen,
    worse_when_tuned,
)
from rnnbench.report.study import read_study

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]


GRID = tuple(LATER["tuning"]["rates"])
LOWEST, HIGHEST = GRID[0], GRID[-1]


def tuned(
    fabricate: Fabricate, gap: int, lr: float, grid: tuple[float, ...] = GRID, **more: Any
) -> Any:
    """A run whose rate was chosen from a grid."""
    entries = [tuning.RateResult(rate, 0.5, 3000.0, 0, False, 3)._asdict() for rate in grid]
    edge = lr in (grid[0], grid[-1])
    more |= {"gap": more.pop("tuned_at")} if "tuned_at" in more else {}
    choice = {"lr": lr, "learned": True, "at_edge": edge, "grid": entries, "seeds": [1021]}
    own = {name: more.pop(name) for name in ("seed", "score", "same_as", "run_id") if name in more}
    changes = {"tuning": choice | more, "config": {"tuned": True}, "sweep": "tuned", **own}
    return fabricate(gap=gap, lr=lr, **changes)


def test_the_words_are_those_of_the_tuning() -> None:
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


def test_it_says_how_far_grids_grew_and_where_a_rate_for_several_gaps_was_tuned(
    fabricate: Fabricate, stored: Stored
) -> None:
    plain = how_chosen(read_study([stored([tuned(fabricate, 10, 0.003)], "plain")]).tuning)
    assert "rates 0.0003, 0.001, 0.003, 0.01, 0.03 on 3 tuning seeds" in plain
    assert "beyond it" not in plain and "at one of them" not in plain
    records = [
        tuned(fabricate, 10, 0.003, tuned_at=20),
        tuned(fabricate, 20, 0.1, (*GRID, 0.1, 0.3)),
    ]
    text = how_chosen(read_study([stored(records, "grown")]).tuning)
    assert "rates 0.0003, 0.001, 0.003, 0.01, 0.03 on 3" in text
    assert "was tried too (0.1, 0.3)" in text
    assert "tuned at one of them: 20." in text


def test_a_point_where_the_shared_rate_does_better_is_named(
    fabricate: Fabricate, stored: Stored
) -> None:
    records = []
    for gap, given, chosen in ((10, 0.9, 0.84), (20, 0.9, 0.86), (40, 0.2, 0.9)):
        records += [fabricate(gap=gap, seed=s, score=given, sweep="tuned") for s in range(2)]
        records += [tuned(fabricate, gap, 0.01, seed=s, score=chosen) for s in range(2)]
    records.append(fabricate(gap=10, seed=9, score=0.0, sweep="tuned"))  # no tuned run is its like
    assert worse_when_tuned(read_study([stored(records)]).results) == [
        "copy, gru, gap 10: 0.90 at 0.003, 0.84 at the tuned 0.01 (2 seeds)."
    ]


def test_runs_at_an_earlier_rate_are_named_and_make_no_curve(
    fabricate: Fabricate, stored: Stored, markdown: Callable[..., str]
) -> None:
    old = [tuned(fabricate, 10, HIGHEST, seed=seed) for seed in range(3)]
    records = [*old, tuned(fabricate, 10, 0.1, (*GRID, 0.1, 0.3))]
    study = read_study([stored(records)])
    assert study.results["lr"].tolist() == [0.1]
    assert earlier_rates(study.superseded) == ["copy, gru, gap 10: 3 runs at 0.03."]
    assert "- copy, gru, gap 10: 3 runs at 0.03." in markdown(stored(records, "again"))


def test_a_run_that_is_the_same_as_another_is_counted_once(
    fabricate: Fabricate, stored: Stored
) -> None:
    given = fabricate(gap=10, lr=0.01, status="solved", sweep="tuned")
    records = [given, tuned(fabricate, 10, 0.01, same_as=given["run_id"], run_id="f" * 16)]
    assert run_counts(read_study([stored(records)]).results) == (
        "1 run, 1 solved. 1 more are the same as one of these: tuning chose the shared rate."
    )


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
