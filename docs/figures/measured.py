"""Read what the guide's figures and numbers are of: adding at gap 80, one rate for all."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from rnnbench import load_diagnosis, load_results
from rnnbench.store.diagnoses import Diagnoses

REFERENCE = Path(__file__).resolve().parent.parent.parent / "results" / "reference"
TASK, GAP, RATE = "adding", 80, 0.003
CELLS = ("rnn", "lstm", "gru")


def runs() -> pd.DataFrame:
    """Return the diagnosed runs, two seeds of each cell, with their scores."""
    scores = load_results(REFERENCE)[["run_id", "score"]]
    return _chosen(_diagnoses().runs).merge(scores, on="run_id")


def curves() -> pd.DataFrame:
    """Return these runs' gradients and gates, one row per time step."""
    return _chosen(_diagnoses().curves)


def gradients() -> pd.DataFrame:
    """Return gradient / gradient at lag 0: rows lag, columns (cell, phase, seed)."""
    found = curves().query("measure == 'gradient' and name == 'total'")
    table = found.pivot_table(index="lag", columns=["cell", "phase", "seed"], values="value")
    return table / table.loc[0]


def gates(cell: str, name: str, phase: str) -> pd.DataFrame:
    """Return one gate's mean and quantiles over units, seeds' mean: rows time step."""
    found = curves().query("measure == 'gate' and cell == @cell and name == @name")
    found = found[found["phase"] == phase]
    return found.pivot_table(index="time", columns="statistic", values="value")


@cache
def _diagnoses() -> Diagnoses:
    return load_diagnosis(REFERENCE)


def _chosen(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[(frame.task == TASK) & (frame.gap == GAP) & (frame.lr == RATE)]
