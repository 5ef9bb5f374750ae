"""Where runs come from: every value with its runs, and nothing that no record tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from rnnbench.report.sections.provenance import MOST_VALUES, UNKNOWN, provenance_table
from rnnbench.report.tables import seed_ranges

Fabricate = Callable[..., Any]
MACHINE = {"cpu": "Abacus", "cores": 8, "threads": 1, "gpu": None}
ENVIRONMENT = MACHINE | {
    "python": "3.12.1",
    "torch": "2.6.0",
    "platform": "Linux",
    "git_commit": "abc-dirty",
    "started": "2026-11-25T01:10:48+00:00",
}


def told(labelled: Any, records: list[Any]) -> dict[str, list[tuple[str, str]]]:
    results, _ = labelled(records)
    found: dict[str, list[tuple[str, str]]] = {}
    for what, value, runs in provenance_table(results).rows:
        found.setdefault(what, []).append((value, runs))
    return found


def test_values_that_differ_are_all_told_with_their_runs(
    fabricate: Fabricate, labelled: Any
) -> None:
    other = ENVIRONMENT | {"gpu": "H9", "threads": 4, "started": "2026-11-26T23:59:59+00:00"}
    command = "python -m rnnbench +sweep=gaps"
    found = told(
        labelled,
        [
            fabricate(seed=0, lr=0.01, environment=ENVIRONMENT, command=command),
            fabricate(seed=1, lr=0.01, environment=ENVIRONMENT, command=command),
            fabricate(seed=0, gap=40, lr=0.002, environment=other, engine="torch"),
        ],
    )
    assert found["machine"] == [
        ("Abacus, 8 cores, 1 thread a run", "2"),
        ("H9, Abacus, 8 cores, 4 threads a run", "1"),
    ]
    assert found["command"] == [(command, "2"), (UNKNOWN, "1")]
    assert found["commit"] == [("abc-dirty", "3")]
    assert found["python"] == [("3.12.1", "3")]
    assert found["engine"] == [("reference", "2"), ("torch", "1")]
    assert found["learning rate"] == [("0.002", "1"), ("0.01", "2")]
    assert found["started"] == [("2026-11-25", "2"), ("2026-11-26", "1")]


def test_older_records_tell_less(fabricate: Fabricate, labelled: Any) -> None:
    found = told(labelled, [fabricate()])
    for what in ("commit", "command", "machine", "python", "torch", "started"):
        assert found[what] == [(UNKNOWN, "1")]
    assert found["rnnbench"] == [("0.1.0", "1")]


def test_many_values_are_summed_up(fabricate: Fabricate, labelled: Any) -> None:
    found = told(labelled, [fabricate(seed=n, command=f"c{n:02}") for n in range(MOST_VALUES + 3)])
    assert len(found["command"]) == MOST_VALUES + 1
    assert found["command"][-1] == ("3 more", "3")


@pytest.mark.parametrize(
    ("seeds", "text"),
    [([3], "3"), ([1, 0], "0 to 1"), ([0, 1, 2, 5, 7, 8], "0 to 2, 5, 7 to 8"), ([2, 4], "2, 4")],
)
def test_seeds_in_a_few_words(seeds: list[int], text: str) -> None:
    assert seed_ranges(pd.Series(seeds)) == text
