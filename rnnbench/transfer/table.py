"""What trained networks get at other gaps, as stored: one row per run and test gap."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from rnnbench.rows import RowFile
from rnnbench.rules import ABOVE_0, SHARE, whole

TRANSFER = RowFile(
    "transfer.csv",
    {
        **{"run_id": "str", "condition_id": "str", "task": "str", "cell": "str"},
        **{"seed": "int64", "lr": "float64", "gap": "int64", "test_gap": "int64"},
        **{"loss": "float64", "accuracy": "float64", "score": "float64"},
        **{"chance_accuracy": "float64", "engine": "str", "device": "str"},
    },
    key=["run_id", "test_gap"],
    rules={"lr": ABOVE_0, "gap": whole(1), "test_gap": whole(1), "chance_accuracy": SHARE},
    order=["task", "cell", "gap", "lr", "seed", "run_id", "test_gap"],
)


def load_transfer(path: Path | str | Iterable[Path | str]) -> pd.DataFrame:
    """Return one row per run and test gap: what `python -m rnnbench.transfer` has measured.

    Columns: `run_id, condition_id, task, cell, seed, lr, gap` (of training), `test_gap, loss,
    accuracy, score, chance_accuracy` (at the test gap), `engine, device`. A diverged run, and one
    whose loss at a test gap is not finite, has loss NaN, the chance accuracy and score 0.

    Args:
        path: a results directory, a consolidated file with `transfer.csv` beside it, or several
            of them; without such a file there are no rows.
    """
    return TRANSFER.load(path)
