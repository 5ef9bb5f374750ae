"""Fabricated records, stored as a sweep stores them, so that reports are made from real files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnbench.plot.curves import label_variants
from rnnbench.plot.summary import summarise
from rnnbench.report.study import read_study
from rnnbench.report.text import to_markdown
from rnnbench.report.write import compose
from rnnbench.store.frames import load_all
from rnnbench.store.records import Record, Store

CHANCE = {"copy": (0.125, 2.0794), "adding": (0.19, 1 / 6), "recall": (0.125, 2.0794)}
REACH = {"rnn": 16, "lstm": 55, "gru": 35}
# They make a condition another one, but have no say in the outcome here.
SETTINGS = "config versions init hidden_size num_layers directions engine".split()
Fabricate = Callable[..., Record]


def fabricate(
    task: str = "copy", cell: str = "gru", gap: int = 20, seed: int = 0, **changes: object
) -> Record:
    """Return a record whose outcome is bimodal over seeds; `changes` replace its entries."""
    settings = [task, cell, gap, changes.get("keep_bias"), changes.get("sweep")]
    lr = changes.get("lr", 0.003)
    others = {name: changes[name] for name in SETTINGS if name in changes}
    code = f"{zlib.crc32(repr([*settings, others] if others else settings).encode()):08x}"
    generator = np.random.default_rng([zlib.crc32(repr([settings, lr]).encode()), seed])
    chance_accuracy, chance_loss = CHANCE[task]
    solved = generator.random() < 1 / (1 + (gap / REACH.get(cell, 60)) ** 4)
    score = 1 - 0.005 * generator.random() if solved else 0.05 * generator.standard_normal()
    steps = 200 * int(generator.integers(4, 14)) if solved else 3000
    final = chance_loss * (1 - score)
    fall = 1 / (1 + np.exp((np.arange(200, steps + 1, 200) - 0.6 * steps) / (0.06 * steps)))
    losses = final + (chance_loss - final) * fall
    record: Record = {
        "format": 1,
        "run_id": f"{zlib.crc32(repr([settings, seed, lr]).encode()):016x}",
        "condition_id": f"{code:0>16}",
        "task": task,
        "cell": cell,
        "gap": gap,
        "seed": seed,
        "lr": lr,
        "version": "0.1.0",
        "hidden_size": 64,
        "num_parameters": 15176,
        "state_size": 64,
        "batch_size": 64,
        "num_layers": 1,
        "directions": 1,
        "steps": steps,
        "loss": final,
        "score": score,
        "accuracy": min(max(chance_accuracy + score * (1 - chance_accuracy), 0.0), 1.0),
        "chance_accuracy": chance_accuracy,
        "chance_loss": chance_loss,
        "status": "solved" if solved else "unsolved",
        "seconds": steps / 250,
        "steps_to_solve": steps - 400 if solved else None,
        "sequences_per_second": 16000.0,
        "engine": "reference",
        "device": "cpu",
        "dtype": "float32",
        "sequence_length": gap + 10,
        "load_bits": 30.0,
        "error": None,
        "plateaus": {"one of two": 1 / 12} if task == "adding" else {},
        "keep_bias": None if cell == "rnn" else 1.0,
        "init": "torch",
        "sweep": "gaps",
        "history": [
            {"step": 200 * (i + 1), "loss": loss, "accuracy": 0.5, "score": 0.5, "grad_norm": 1.0}
            for i, loss in enumerate(losses.tolist())
        ],
    }
    return record | changes


def break_run(record: Record, status: str = "diverged") -> Record:
    """Return the record as a run that broke leaves it."""
    ended = {"loss": None, "accuracy": record["chance_accuracy"], "score": 0.0}
    return record | ended | {"status": status, "steps_to_solve": None}


def write(directory: Path, records: Iterable[Record]) -> Path:
    store = Store(directory)
    for record in records:
        store.write(record)
    return directory


@pytest.fixture(name="fabricate", scope="session")
def fabricate_fixture() -> Fabricate:
    return fabricate


@pytest.fixture(name="break_run", scope="session")
def break_run_fixture() -> Callable[..., Record]:
    return break_run


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[Iterable[Record], str], Path]:
    """Return a function that stores records in a directory of a name."""
    return lambda records, name="gaps": write(tmp_path / name, records)


@pytest.fixture(scope="session")
def markdown() -> Callable[..., str]:
    """Return a function from places to the report's words, without its figures, which take long."""
    return lambda *places: to_markdown(compose(read_study(places)))


@pytest.fixture
def labelled(tmp_path: Path) -> Callable[[Iterable[Record]], tuple[pd.DataFrame, pd.DataFrame]]:
    """Return a function from records to labelled results and their summary, through the store."""

    def load(records: Iterable[Record]) -> tuple[pd.DataFrame, pd.DataFrame]:
        results = label_variants(load_all(write(tmp_path / "labelled", records)))
        return results, summarise(results)

    return load
