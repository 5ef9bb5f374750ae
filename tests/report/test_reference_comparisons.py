"""The comparisons of the reference, worked out again from its records by SciPy alone."""

from __future__ import annotations

import json
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import permutation_test

from rnnbench.report.sections.comparison import comparisons
from rnnbench.report.study import read_study

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


@cache
def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (REFERENCE / "records.jsonl").read_text().splitlines()]


def latest_rate(condition_id: str) -> float:
    """The rate that was chosen for a condition from most tuning seeds."""
    choices = [r["tuning"] for r in records() if r["condition_id"] == condition_id]
    chosen = max(choices, key=lambda it: sum(each.get("seeds", 3) for each in it["grid"]))
    return float(chosen["lr"])


def areas_of_the_reference() -> dict[tuple[str, bool, str], list[float]]:
    """The area of each seed by task, whether rates were tuned, and cell, from the lines alone."""
    scores: dict[tuple[str, bool, str], dict[int, dict[int, float]]] = {}
    rate_of = cache(latest_rate)
    for record in records():
        tuned = bool(record["config"].get("tuned"))
        if tuned and record["lr"] != rate_of(record["condition_id"]):
            continue
        seeds = scores.setdefault((record["task"], tuned, record["cell"]), {})
        seeds.setdefault(record["seed"], {})[record["gap"]] = min(max(record["score"], 0.0), 1.0)
    areas = {}
    for curve, seeds in scores.items():
        areas[curve] = []
        for _, by_gap in sorted(seeds.items()):
            x = np.log(sorted(by_gap))
            y = [by_gap[gap] for gap in sorted(by_gap)]
            areas[curve].append(float(trapezoid(y, x) / (x[-1] - x[0])))
    return areas


def test_those_of_the_reference_are_what_scipy_says_and_contradict_no_horizon() -> None:
    """Differences, exact p and Holm's correction, worked out again without the suite."""
    study = read_study([REFERENCE])
    table = comparisons(study.results)
    areas = areas_of_the_reference()
    for task in ("adding", "copy", "recall"):
        expected = {}
        for tuned, (a, b) in product((False, True), combinations(("rnn", "lstm", "gru"), 2)):
            d = np.subtract(areas[task, tuned, a], areas[task, tuned, b])
            first, second = (a, b) if d.mean() >= 0 else (b, a)
            found = permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
            name = ", tuned lr" if tuned else ""
            expected[first + name, second + name] = (abs(d.mean()), found.pvalue)
        rows = table[table["task"] == task]
        assert {(r.first, r.second) for r in rows.itertuples()} == set(expected)
        order = sorted(expected, key=lambda pair: expected[pair][1])
        corrected = np.maximum.accumulate(
            [(len(order) - i) * expected[pair][1] for i, pair in enumerate(order)]
        )
        p = dict(zip(order, np.minimum(corrected, 1), strict=True))
        for row in rows.itertuples():
            assert row.difference.mean == pytest.approx(expected[row.first, row.second][0])
            assert row.p == pytest.approx(p[row.first, row.second])
            decided = row.better in (row.first, row.second)
            assert decided == (p[row.first, row.second] < 0.05 and row.difference.mean >= 0.01)

    curves = study.curves.set_index(["task", "label"])
    for row in table.itertuples():
        if row.better == row.first:
            first, second = (curves.loc[(row.task, label)] for label in (row.first, row.second))
            assert not second["horizon"].beyond(first["horizon"])
            assert first["area"].mean > second["area"].mean
