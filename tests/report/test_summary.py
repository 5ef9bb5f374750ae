"""What the summary counts: every run, broken ones included."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from rnnbench.plot.summary import horizons, missing_seeds
from rnnbench.statistics import (
    areas,
    horizon_range,
    mean_interval,
    wilson_interval,
)


def solved(record: dict[str, Any]) -> dict[str, Any]:
    ended = {"loss": 0.01, "accuracy": 1.0, "score": 1.0, "steps_to_solve": 600}
    return record | ended | {"status": "solved"}


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_broken_runs_count_as_chance_in_every_mean(
    fabricate: Callable[..., Any], break_run: Callable[..., Any], labelled: Any, status: str
) -> None:
    records = [solved(fabricate(seed=seed)) for seed in range(3)]
    _, summary = labelled([*records, break_run(fabricate(seed=3), status)])
    row = summary.iloc[0]
    assert row.seeds == 4
    assert row.accuracy_mean == pytest.approx((3 + 0.125) / 4)
    assert row.score_mean == pytest.approx(0.75)
    assert row.success_rate == 0.75
    assert (row.solved, row.unsolved, row.diverged + row.failed, row[status]) == (3, 0, 1, 1)
    assert row.median_steps_to_solve == 600
    assert math.isnan(row.loss_mean)


def test_interval_is_over_the_seeds_of_one_gap(
    fabricate: Callable[..., Any], labelled: Any
) -> None:
    values = {10: [0.2, 0.4, 0.9], 20: [0.1, 0.1, 0.4]}
    records = [
        fabricate(gap=gap, seed=seed, accuracy=value)
        for gap, found in values.items()
        for seed, value in enumerate(found)
    ]
    _, summary = labelled(records)
    for row in summary.itertuples():
        found = (row.accuracy_mean, row.accuracy_low, row.accuracy_high)
        assert found == pytest.approx(mean_interval(values[row.gap]))


def test_horizons_use_the_mean_over_seeds(fabricate: Callable[..., Any], labelled: Any) -> None:
    scores = {10: [1.0, 0.9], 40: [1.0, 0.1]}  # means 0.95 and 0.55
    records = [
        fabricate(gap=gap, seed=seed, score=score)
        for gap, found in scores.items()
        for seed, score in enumerate(found)
    ]
    results, _ = labelled(records)
    row = horizons(results).iloc[0]
    assert row.horizon.horizon.gap == pytest.approx(20)
    assert row.d90.horizon.gap == pytest.approx(10 * 4**0.125)
    assert row.horizon.low is None  # of two seeds
    assert row.area.mean == pytest.approx((0.95 + 0.55) / 2)


def test_horizons_of_five_seeds_have_their_interval(
    fabricate: Callable[..., Any], labelled: Any
) -> None:
    scores = {10: [1.0] * 5, 40: [1.0, 1.0, 1.0, 0.0, 0.0]}
    records = [
        fabricate(gap=gap, seed=seed, score=score, status="solved" if score else "unsolved")
        for gap, found in scores.items()
        for seed, score in enumerate(found)
    ]
    results, summary = labelled(records)
    row = horizons(results).iloc[0]
    assert row.horizon == horizon_range(scores)
    assert row.area == mean_interval(areas(scores))
    assert (row.solved, row.runs, row.success_rate) == (8, 10, 0.8)
    last = summary[summary.gap == 40].iloc[0]
    found = (last.success_rate, last.success_low, last.success_high)
    assert found == pytest.approx(wilson_interval(3, 5))


def test_an_area_has_an_interval_where_every_gap_has_all_seeds(
    fabricate: Callable[..., Any], labelled: Any
) -> None:
    records = [fabricate(gap=gap, seed=seed, score=0.5) for gap in (10, 20) for seed in range(3)]
    assert horizons(labelled(records)[0])["area"][0].low > 0
    (area,) = horizons(labelled([*records, fabricate(gap=20, seed=3, score=1.0)])[0])["area"]
    assert area.mean == pytest.approx((0.5 + 2.5 / 4) / 2)
    assert math.isnan(area.low) and math.isnan(area.high)


def test_missing_seeds_are_named_also_where_a_gap_is_absent(
    fabricate: Callable[..., Any], labelled: Any
) -> None:
    have = {"rnn": {10: 3, 20: 3}, "gru": {10: 3, 20: 2, 40: 3}}  # as the sweep declares them
    records = [
        fabricate(cell=cell, gap=gap, seed=seed)
        for cell, gaps in have.items()
        for gap, number in gaps.items()
        for seed in range(number)
    ]
    _, summary = labelled(records)
    missing = missing_seeds(summary)
    found = list(missing[["task", "label", "gap", "seeds", "expected"]].itertuples(index=False))
    assert found == [("copy", "rnn", 40, 0, 3), ("copy", "gru", 20, 2, 3)]
