"""Tuned against shared rates: which curves are a pair, who wins on it, and who changes places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from rnnbench.report.sections.tuning import compare_rates, order_changes, rate_table
from rnnbench.statistics import areas, difference_interval, horizon_range

Fabricate = Callable[..., Any]
GAPS = (10, 20, 40, 80)


def curve(
    fabricate: Fabricate, cell: str, scores: dict[int, list[float]], tuned: bool, **changes: Any
) -> list[Any]:
    """Some seeds of a cell, with their scores at every gap."""
    config = {"tuned": tuned}
    changes = {"config": config, "sweep": "tuned" if tuned else "gaps", **changes}
    return [
        fabricate(cell=cell, gap=gap, seed=seed, score=score, **changes)
        for gap, found in scores.items()
        for seed, score in enumerate(found)
    ]


def reach(gap: int) -> dict[int, list[float]]:
    """The scores of a cell that remembers all gaps up to one, on every seed."""
    return {each: [float(each <= gap)] * 10 for each in GAPS}


def compared(labelled: Any, records: list[Any]) -> pd.DataFrame:
    results, _ = labelled(records)
    return compare_rates(results)


def test_a_cell_is_compared_with_itself_on_the_seeds_of_both(
    fabricate: Fabricate, labelled: Any
) -> None:
    shared = {10: [0.9, 0.2, 0.5, 0.1, 0.1, 0.7], 20: [0.1] * 6}  # a seed more than the tuned
    tuned = {10: [0.8, 0.9, 0.5, 0.2, 0.2], 20: [0.1, 0.1, 0.9, 0.9, 0.0]}
    records = curve(fabricate, "gru", shared, False) + curve(fabricate, "gru", tuned, True, lr=0.01)
    (row,) = compared(labelled, records).itertuples()
    assert (row.task, row.cell, row.curve, row.shared_lr, row.seeds) == (
        "copy",
        "gru",
        "gru",
        "0.003",
        5,
    )
    assert row.shared == horizon_range(shared) and row.tuned == horizon_range(tuned)
    five = {gap: scores[:5] for gap, scores in shared.items()}
    assert row.difference == pytest.approx(difference_interval(areas(tuned) - areas(five)))
    # At 10 by -0.1, 0.7, 0, 0.1 and 0.1, at 20 by 0, 0, 0.8, 0.8 and -0.1.
    assert row.difference.mean == pytest.approx((0.8 / 5 + 1.5 / 5) / 2)
    (texts,) = rate_table(pd.DataFrame([row])).rows
    assert texts[-2] == "5" and texts[-1].startswith("+0.23 (−0.")


def test_only_curves_alike_in_all_but_the_rate_are_a_pair(
    fabricate: Fabricate, labelled: Any
) -> None:
    records = [
        *curve(fabricate, "gru", reach(20), False, keep_bias=1.0),
        *curve(fabricate, "gru", reach(40), True, keep_bias=1.0),
        *curve(fabricate, "gru", reach(80), False, keep_bias=3.0),
        *curve(fabricate, "lstm", reach(80), True),
    ]
    (row,) = compared(labelled, records).itertuples()
    assert (row.cell, row.curve) == ("gru", "gru, keep bias 1")
    assert (row.shared.horizon.gap < 30, row.tuned.horizon.gap > 30) == (True, True)


def test_without_a_common_seed_there_is_no_difference(fabricate: Fabricate, labelled: Any) -> None:
    tuned = [r | {"seed": 7, "run_id": "7" * 16} for r in curve(fabricate, "gru", {10: [1]}, True)]
    table = compared(labelled, curve(fabricate, "gru", {10: [1.0]}, False) + tuned)
    assert list(table["seeds"]) == [0]
    assert rate_table(table).rows[0][-2:] == ("0", "")


def test_a_task_is_compared_at_the_gaps_that_all_of_its_curves_have(
    fabricate: Fabricate, labelled: Any
) -> None:
    unfinished = {gap: scores for gap, scores in reach(80).items() if gap < 80}
    records = [
        *curve(fabricate, "gru", reach(80), False),
        *curve(fabricate, "gru", unfinished, True),
        *curve(fabricate, "rnn", reach(20), False),
        *curve(fabricate, "rnn", reach(10), True),
    ]
    table = compared(labelled, records).set_index("cell")
    assert str(table.loc["gru", "shared"]) == str(table.loc["gru", "tuned"]) == "> 40"
    assert table.loc["rnn", "shared"] == horizon_range({g: reach(20)[g] for g in (10, 20, 40)})
    assert table.loc["gru", "difference"].mean == 0


def test_without_a_common_gap_nothing_is_compared(fabricate: Fabricate, labelled: Any) -> None:
    shared = curve(fabricate, "gru", {10: [1.0]}, False)
    assert compared(labelled, shared + curve(fabricate, "gru", {20: [1.0]}, True)).empty


def changes(labelled: Any, fabricate: Fabricate, **cells: tuple[Any, Any]) -> list[str]:
    records = []
    for cell, (shared, tuned) in cells.items():
        records += curve(fabricate, cell, shared, False) + curve(fabricate, cell, tuned, True)
    return order_changes(compared(labelled, records))


def test_a_ranking_that_stays_is_told(fabricate: Fabricate, labelled: Any) -> None:
    cells = {"gru": (reach(20), reach(40)), "rnn": (reach(10), reach(20))}
    (line,) = changes(labelled, fabricate, **cells)
    assert line == (
        "copy, farthest first: shared rate, gru (23.8), rnn (11.9); tuned, gru (47.6), rnn (23.8). "
        "No two change places."
    )


def test_cells_that_change_places_are_named_with_how_sure_it_is(
    fabricate: Fabricate, labelled: Any
) -> None:
    cells = {"gru": (reach(20), reach(40)), "lstm": (reach(40), reach(20))}
    (line,) = changes(labelled, fabricate, **cells)
    assert line.endswith("lstm and gru change places, and their intervals part with both.")
    unsure = reach(20) | {40: [1.0, 1.0, 0.4, 0.4, 0.4] * 2}
    cells["lstm"] = (reach(40), unsure)
    cells["gru"] = (reach(20), reach(20) | {40: [1.0, 1.0, 1.0, 0.4, 0.4] * 2})
    (line,) = changes(labelled, fabricate, **cells)
    assert line.endswith("lstm and gru change places, but their intervals do not part with both.")


def test_equal_horizons_change_no_places(fabricate: Fabricate, labelled: Any) -> None:
    cells = {"gru": (reach(20), reach(80)), "lstm": (reach(40), reach(80))}
    (line,) = changes(labelled, fabricate, **cells)
    assert "tuned, lstm (> 80) = gru (> 80)" in line
    assert line.endswith("No two change places.")


def test_one_cell_has_no_ranking(fabricate: Fabricate, labelled: Any) -> None:
    assert changes(labelled, fabricate, gru=(reach(20), reach(40))) == []
