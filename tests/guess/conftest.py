"""Conditions whose networks are guessed, small enough for a test."""

import threading

import pytest

from rnnbench.experiment.condition import Condition
from rnnbench.guess.search import search, search_id


@pytest.fixture(scope="session")
def condition():
    """Return a recall condition of an RNN; `task` replaces arguments of its task."""

    def build(cell="rnnbench.cells.RNN", hidden_size=8, eval_size=600, **task):
        target = {"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall"}
        return Condition(
            task={**target, "gap": 1, "alphabet_size": 2, "distractors": "blank", **task},
            cell={"_target_": cell, "name": cell.rpartition(".")[2].lower(), "init": "torch"},
            model={"hidden_size": hidden_size, "num_layers": 1, "bidirectional": False},
            trainer={"steps": 2, "eval_size": eval_size, "batch_size": 4, "eval_every": 1},
            dtype="float32",
            engine="auto",
            device="cpu",
        )

    return build


@pytest.fixture(scope="session")
def guess():
    """Search for a condition; return the row."""

    def run(condition, guesses, engine="reference"):
        identity = search_id(condition, guesses)
        job = {"search_id": identity, "condition": condition, "guesses": guesses}
        (row,) = search(job | {"engine": engine}, print, threading.Event())
        return row

    return run
