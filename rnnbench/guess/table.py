"""What guessing finds, as stored: one row per task at one gap, cell and number of guesses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from rnnbench.rows import RowFile
from rnnbench.rules import SHARE, Rule, whole

GUESSES = RowFile(
    "guesses.csv",
    {
        **{"search_id": "str", "task": "str", "cell": "str", "gap": "int64"},
        **{"num_layers": "int64", "directions": "int64", "hidden_sizes": "str"},
        **{"guesses": "int64", "solved": "int64", "first_solved": "float64"},
        **{"best_guess": "int64", "best_hidden_size": "int64", "best_scale": "float64"},
        **{"evaluation_accuracy": "float64", "evaluation_score": "float64"},
        **{"loss": "float64", "accuracy": "float64", "score": "float64"},
        **{"chance_accuracy": "float64", "engine": "str"},
    },
    key=["search_id"],
    rules={
        **{"gap": whole(1), "guesses": whole(1), "chance_accuracy": SHARE},
        "hidden_sizes": Rule(
            "whole numbers with spaces between them",
            lambda text: re.fullmatch(r"[1-9]\d{0,9}( [1-9]\d{0,9})*", text, re.ASCII) is not None,
        ),
    },
    order=["task", "cell", "gap", "guesses"],
)


def load_guesses(path: Path | str | Iterable[Path | str]) -> pd.DataFrame:
    """Return one row per search: what `python -m rnnbench.guess` has found.

    Columns: `search_id, task, cell, gap, num_layers, directions, hidden_sizes` (tried in turn),
    `guesses`, `solved` (guesses that solve the task), `first_solved` (the first of them, from 1;
    NaN where none did: then it is more than `guesses`), `best_guess` (from 1) with its
    `best_hidden_size` and `best_scale` (its weights are uniform within it),
    `evaluation_accuracy, evaluation_score` (on which it was chosen), `loss, accuracy, score` (on
    the test stream, on which nothing was chosen), `chance_accuracy, engine`.

    Args:
        path: a results directory, a consolidated file with `guesses.csv` beside it, or several
            of them; without such a file there are no rows.
    """
    return GUESSES.load(path)
