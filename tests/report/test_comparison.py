"""Which curve does better: on pairs of seeds alone, and named in the order of the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rnnbench.report.sections.comparison import comparison_table, comparisons

Fabricate = Callable[..., Any]


def scores(fabricate: Fabricate, cell: str, by_gap: dict[int, list[float]]) -> list[Any]:
    return [
        fabricate(cell=cell, gap=gap, seed=seed, score=score)
        for gap, values in by_gap.items()
        for seed, score in enumerate(values)
    ]


def test_pairs_of_seeds_are_compared_gap_by_gap(fabricate: Fabricate, labelled: Any) -> None:
    rnn = scores(fabricate, "rnn", {10: [0.9, 0.1, 0.5, 0.2, 0.2], 20: [0.0] * 5})
    gru = scores(fabricate, "gru", {10: [0.5, 0.2, 0.5, 0.3, 0.3], 20: [1.0] * 5})
    pairs = comparisons(labelled([*rnn, *gru])[0])
    (row,) = pairs.itertuples()
    assert (row.task, row.better, row.worse, row.seeds) == ("copy", "gru", "rnn", 5)
    # At 10: lost, won, tied, won, won; at 20 all won.
    assert row.probability.mean == pytest.approx((3.5 / 5 + 1) / 2)
    assert row.probability.low < 0.85 < row.probability.high
    table = comparison_table(pairs)
    assert table is not None and table.rows[0][:3] == ("copy", "gru", "rnn")
    assert table.rows[0][3].startswith("0.85 (")


def test_the_better_one_is_named_first_whatever_the_names(
    fabricate: Fabricate, labelled: Any
) -> None:
    rnn = scores(fabricate, "rnn", {10: [0.9] * 5})
    gru = scores(fabricate, "gru", {10: [0.5, 0.5, 0.5, 0.95, 0.5]})
    (row,) = comparisons(labelled([*rnn, *gru])[0]).itertuples()
    assert (row.better, row.worse) == ("rnn", "gru")
    assert row.probability.mean == pytest.approx(4 / 5)


def test_a_win_and_a_tie_are_weighed_by_gap(fabricate: Fabricate, labelled: Any) -> None:
    # Of the gaps' shares: (1/2 + 2/5) / 2 below a half, though no seed more was lost than won.
    rnn = scores(fabricate, "rnn", {10: [0.5] * 5, 20: [0.9, 0.9, 0.1, 0.1, 0.1]})
    gru = scores(fabricate, "gru", {10: [0.5] * 5, 20: [0.5] * 5})
    (row,) = comparisons(labelled([*rnn, *gru])[0]).itertuples()
    assert (row.better, row.worse) == ("gru", "rnn")
    assert row.probability.mean == pytest.approx((0.5 + 3 / 5) / 2)


def test_tuned_and_shared_rates_are_not_mixed(fabricate: Fabricate, labelled: Any) -> None:
    rows = []
    for cell in ("gru", "rnn"):
        rows += scores(fabricate, cell, {10: [0.5] * 5})
        for place, row in enumerate(scores(fabricate, cell, {10: [0.6] * 5})):
            name = {"run_id": f"{cell}{place}", "config": {"tuned": True}, "lr": 0.01}
            rows.append(row | name | {"condition_id": cell})
    found = {frozenset(row[1:3]) for row in comparisons(labelled(rows)[0]).itertuples(index=False)}
    assert found == {frozenset({"gru", "rnn"}), frozenset({"gru, tuned lr", "rnn, tuned lr"})}


def test_curves_without_the_same_seeds_are_not_compared(
    fabricate: Fabricate, labelled: Any
) -> None:
    rnn = scores(fabricate, "rnn", {10: [0.9, 0.1]})
    gru = scores(fabricate, "gru", {10: [0.9, 0.1, 0.2]})
    pairs = comparisons(labelled([*rnn, *gru])[0])
    assert pairs.empty
    assert comparison_table(pairs) is None


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
    pairs = comparisons(results)[["better", "worse"]].to_numpy().tolist()
    assert sorted(map(sorted, pairs)) == [
        [f"gru, task version {number}", f"lstm, task version {number}"] for number in (1, 2)
    ]
