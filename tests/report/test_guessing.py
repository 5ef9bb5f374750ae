"""Random guessing in the report: what is drawn, tabled and said."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from rnnbench.plot.gap import best_of_cells
from rnnbench.report.document import Table
from rnnbench.report.sections.guessing import (
    guessing_section,
    guessing_table,
    solved_by_guessing,
)
from rnnbench.report.study import latest
from rnnbench.store.tables import GUESSES


def row(gap: int, cell: str = "gru", **changes: Any) -> dict[str, Any]:
    values = {name: 0.0 if kind == "float64" else 1 for name, kind in GUESSES.columns.items()}
    values |= {"task": "recall", "cell": cell, "gap": gap, "guesses": 1000, "solved": 0}
    values |= {"hidden_sizes": "1 4 64", "first_solved": math.nan, "chance_accuracy": 0.125}
    return values | {"search_id": f"{gap}{cell}"} | changes


@pytest.fixture
def guesses() -> pd.DataFrame:
    solved = {"solved": 12, "first_solved": 1037.0, "evaluation_score": 1.0, "score": 0.99}
    return pd.DataFrame(
        [
            row(2, accuracy=0.99, **solved),
            row(2, "rnn", accuracy=1.0, evaluation_score=0.9, score=1.0),
            row(20, accuracy=0.2, evaluation_score=0.3, score=0.05),
            row(20, "rnn", accuracy=0.1, evaluation_score=0.4, score=-0.5),
        ]
    )


def test_the_best_is_chosen_on_the_evaluation_stream_alone(guesses: pd.DataFrame) -> None:
    best = best_of_cells(guesses)
    assert best["gap"].tolist() == [2, 20]
    assert best["cell"].tolist() == ["gru", "rnn"]
    assert best["score"].tolist() == [0.99, -0.5]  # not the better ones on the test stream
    assert best["guesses"].tolist() == [2000, 2000]


def test_only_what_is_in_the_results_and_the_largest_search_counts(guesses: pd.DataFrame) -> None:
    more = pd.concat([guesses, pd.DataFrame([row(2, guesses=5000, search_id="more")])])
    results = pd.DataFrame({"task": "recall", "cell": "gru", "gap": [2, 40]})
    (kept,) = latest(more, results).itertuples()
    assert (kept.gap, kept.cell, kept.guesses) == (2, "gru", 5000)


def test_cells_come_in_the_order_of_the_sweep(guesses: pd.DataFrame) -> None:
    cells = pd.Categorical(["rnn", "gru"], categories=["rnn", "gru"], ordered=True)
    found = latest(guesses, pd.DataFrame({"task": "recall", "cell": cells, "gap": 2}))
    assert found["cell"].tolist() == ["rnn", "gru"]
    assert [row[1] for row in guessing_table(found).rows] == ["rnn", "gru"]


def test_what_guessing_solves_is_said(guesses: pd.DataFrame) -> None:
    assert solved_by_guessing(guesses) == (
        "Guessing solves recall at gap 2. Elsewhere the highest score of a best random network is "
        "-0.50 (recall at gap 20); 0 is remembering nothing."
    )
    assert solved_by_guessing(guesses[guesses["gap"] == 2]) == "Guessing solves recall at gap 2."
    assert solved_by_guessing(guesses[guesses["gap"] == 20]).startswith(
        "Guessing solves no task here. The highest score of a best random network is -0.50"
    )


def test_the_table_has_accuracies_and_what_was_solved(guesses: pd.DataFrame) -> None:
    table = guessing_table(guesses)
    assert table.header == ("task", "cell", "chance", "gap 2", "gap 20")
    assert table.rows == (
        ("recall", "gru", "0.125", "0.99 (12, first 1,037)", "0.20"),
        ("recall", "rnn", "0.125", "1.00", "0.10"),
    )


def section(guesses: pd.DataFrame) -> list[Any]:
    study: Any = SimpleNamespace(guesses=guesses)
    return list(guessing_section(study))


def test_the_section_is_there_only_if_something_was_guessed(guesses: pd.DataFrame) -> None:
    assert section(guesses.iloc[:0]) == []
    blocks = section(guesses)
    assert any(isinstance(block, Table) for block in blocks)
    assert "1, 4 or 64 hidden units" in blocks[-1].text
