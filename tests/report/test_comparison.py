"""Which curve does better: on the same seeds alone, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from rnnbench.report.sections.comparison import comparison_table, comparisons
from rnnbench.statistics import areas, difference_interval

Fabricate = Callable[..., Any]


def scores(fabricate: Fabricate, cell: str, by_gap: dict[int, list[float]]) -> list[Any]:
    return [
        fabricate(cell=cell, gap=gap, seed=seed, score=score)
        for gap, values in by_gap.items()
        for seed, score in enumerate(values)
    ]


def seeds(level: float, count: int = 10, spread: float = 0.02) -> list[float]:
    """Return scores of seeds around a level."""
    return [level + spread * (place - count / 2) / count for place in range(count)]


def test_areas_are_compared_on_the_same_seeds(fabricate: Fabricate, labelled: Any) -> None:
    rnn = {10: seeds(0.9), 40: seeds(0.1)}
    gru = {10: seeds(0.9), 40: seeds(0.5)[::-1]}
    records = [*scores(fabricate, "rnn", rnn), *scores(fabricate, "gru", gru)]
    pairs = comparisons(labelled(records)[0])
    (row,) = pairs.itertuples()
    assert (row.task, row.first, row.second, row.seeds, row.better) == (
        "copy",
        "gru",
        "rnn",
        10,
        "gru",
    )
    d = areas(gru) - areas(rnn)
    assert row.difference == pytest.approx(difference_interval(d))
    assert row.difference.mean == pytest.approx(0.2)
    assert row.p == pytest.approx(2 / 2**10)  # every seed agrees
    table = comparison_table(pairs)
    assert table is not None
    (told,) = table.rows
    assert told[:4] == ("copy", "gru", "rnn", "10") and told[-1] == "gru"
    assert told[4].startswith("+0.20 (−0.")


def test_p_values_are_corrected_for_the_pairs_of_a_task(
    fabricate: Fabricate, labelled: Any
) -> None:
    levels = {"rnn": 0.2, "lstm": 0.5, "gru": 0.8}
    records = [r for c, at in levels.items() for r in scores(fabricate, c, {10: seeds(at)})]
    pairs = comparisons(labelled(records)[0])
    assert pairs["p"].tolist() == pytest.approx([6 / 2**10] * 3)
    assert pairs["better"].tolist() == ["lstm", "gru", "gru"]


@pytest.mark.parametrize(
    ("gru", "verdict"),
    [
        (seeds(0.505), "none"),  # every seed agrees, on a difference that nobody cares about
        ([0.9, 0.1] * 5, "not decided"),
        ([1.0] * 10, "gru"),
    ],
)
def test_what_is_said_of_ten_seeds(
    fabricate: Fabricate, labelled: Any, gru: list[float], verdict: str
) -> None:
    records = scores(
        fabricate, "rnn", {10: seeds(0.5) if verdict != "not decided" else [0.45] * 10}
    )
    (row,) = comparisons(labelled([*records, *scores(fabricate, "gru", {10: gru})])[0]).itertuples()
    assert row.better == verdict


def test_seven_seeds_are_too_few_to_decide(fabricate: Fabricate, labelled: Any) -> None:
    rnn, gru = (scores(fabricate, cell, {10: [at] * 7}) for cell, at in (("rnn", 0), ("gru", 1)))
    pairs = comparisons(labelled([*rnn, *gru])[0])
    (row,) = pairs.itertuples()
    assert (row.seeds, row.better) == (7, "too few seeds to decide")
    assert math.isnan(row.p)
    table = comparison_table(pairs)
    assert table is not None and table.rows[0][-2] == ""


def test_many_curves_are_compared_with_one_by_their_intervals(
    fabricate: Fabricate, labelled: Any
) -> None:
    levels = {f"c{number}": number / 6 for number in range(6)} | {"lstm": 0.9}
    records = [r for c, at in levels.items() for r in scores(fabricate, c, {10: [at] * 10})]
    pairs = comparisons(labelled(records)[0])
    assert (pairs["first"] == "lstm").all() and len(pairs) == 6
    assert pairs["p"].isna().all()
    sure = [row.difference.low > 0 for row in pairs.itertuples()]
    assert sure[0] and not sure[-1]
    verdicts = ["lstm" if each else "not decided" for each in sure]
    assert pairs["better"].tolist() == verdicts
    others = comparisons(labelled(records)[0], baseline="c3")
    assert ((others["first"] == "c3") | (others["second"] == "c3")).all() and len(others) == 6
    first = comparisons(labelled(records)[0], baseline="none")
    assert ((first["first"] == "lstm") | (first["second"] == "lstm")).all()  # shipped, hence first


def test_of_many_tuned_curves_each_is_compared_with_the_tuned_baseline(
    fabricate: Fabricate, labelled: Any
) -> None:
    rows = []
    for number, cell in enumerate(["lstm", *(f"c{number}" for number in range(6))]):
        own = {"config": {"tuned": True}, "condition_id": f"{number:016d}"}
        rows += [row | own for row in scores(fabricate, cell, {10: [0.1 * number] * 8})]
    rows += scores(fabricate, "gru", {10: [0.5] * 8})
    pairs = comparisons(labelled(rows)[0])
    assert (pairs["second"] == "lstm, tuned lr").all() and len(pairs) == 6


def test_tuned_and_shared_rates_are_not_mixed(fabricate: Fabricate, labelled: Any) -> None:
    rows = []
    for cell in ("gru", "rnn"):
        rows += scores(fabricate, cell, {10: [0.5] * 5})
        for place, row in enumerate(scores(fabricate, cell, {10: [0.6] * 5})):
            name = {"run_id": f"{cell}{place}", "config": {"tuned": True}, "lr": 0.01}
            rows.append(row | name | {"condition_id": cell})
    found = {frozenset(row[1:3]) for row in comparisons(labelled(rows)[0]).itertuples(index=False)}
    assert found == {frozenset({"gru", "rnn"}), frozenset({"gru, tuned lr", "rnn, tuned lr"})}


@pytest.mark.parametrize("gru", [{10: [0.9, 0.1], 20: [0.5] * 2}, {20: [0.5] * 2}])
def test_curves_of_other_gaps_or_seeds_are_not_compared(
    fabricate: Fabricate, labelled: Any, gru: dict[int, list[float]]
) -> None:
    records = scores(fabricate, "rnn", {10: [0.9, 0.1]}) + scores(fabricate, "gru", gru)
    pairs = comparisons(labelled(records)[0])
    assert pairs.empty
    assert comparison_table(pairs) is None


def test_only_seeds_that_both_have_at_every_gap_count(fabricate: Fabricate, labelled: Any) -> None:
    rnn = scores(fabricate, "rnn", {10: [0.1] * 9, 20: [0.1] * 8})
    gru = scores(fabricate, "gru", {10: [0.9] * 10, 20: [0.9] * 10})
    (row,) = comparisons(labelled([*rnn, *gru])[0]).itertuples()
    assert row.seeds == 8


def test_versions_are_not_compared_with_each_other(fabricate: Fabricate, labelled: Any) -> None:
    one = dict.fromkeys(("task", "cell", "model", "trainer"), 1)
    records = [
        fabricate(cell=cell, seed=seed, versions=one | {"task": number})
        | {"run_id": f"{number}{cell}{seed:03}"}
        for cell in ("gru", "lstm")
        for number in (1, 2)
        for seed in range(3)
    ]
    results, _ = labelled(records)
    pairs = comparisons(results)[["first", "second"]].to_numpy().tolist()
    assert sorted(map(sorted, pairs)) == [
        [f"gru, task version {number}", f"lstm, task version {number}"] for number in (1, 2)
    ]
