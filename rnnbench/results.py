"""Stored records as data frames: one row per run, or one row per run and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from rnnbench.records import Record, read_records

COLUMNS = (
    "task cell gap seed lr hidden_size num_parameters state_size batch_size steps loss accuracy "
    "score chance_accuracy chance_loss status steps_to_solve seconds sequences_per_second engine "
    "device dtype run_id condition_id version sequence_length load_bits plateaus init keep_bias "
    "sweep error num_layers directions least_distance greatest_distance clipped_steps"
).split()
TUNING_COLUMNS = ["task", "cell", "gap", "condition_id", "chosen_lr", "learned", "at_edge"]
TUNING_COLUMNS += ["lr", "score", "steps", "solved", "dropped"]
# Settings of the trainer that part curves, and what they were before they could be set.
TRAINER = {"optimizer": "adam", "clip_norm": None, "clip_value": None, "train_set_size": None}
IDENTITY = ["run_id", "task", "cell", "gap", "seed", "lr"]
HISTORY_COLUMNS = [*IDENTITY, "step", "loss", "accuracy", "score", "grad_norm"]
NUMBERS = ["loss", "accuracy", "score", "steps_to_solve", "load_bits", "keep_bias", "seconds"]
NUMBERS += ["sequences_per_second", "grad_norm", "lr", "clip_norm", "clip_value", "train_set_size"]
NUMBERS += ["least_distance", "greatest_distance", "clipped_steps"]
Paths = Path | str | Sequence[Path | str]


def load_results(path: Paths) -> pd.DataFrame:
    """Return one row per run.

    Diverged and failed runs have loss NaN, the chance accuracy and score 0: they count in every
    mean.

    Args:
        path: a results directory, a consolidated file, or several of them.

    Raises:
        FileNotFoundError: there is nothing at a path.
    """
    rows = [
        {**{name: record.get(name) for name in COLUMNS}, **_trainer(record)}
        for record in _records(path)
    ]
    order = ["task", "cell", "gap", "lr", "seed"]
    return _frame(rows, [*COLUMNS, "lr_choice", *TRAINER]).sort_values(
        order, kind="stable", ignore_index=True
    )


def load_history(path: Paths) -> pd.DataFrame:
    """Return one row per run and evaluation; arguments as in `load_results`."""
    rows = [
        {**{name: record.get(name) for name in IDENTITY}, **row}
        for record in _records(path)
        for row in record["history"]
    ]
    return _frame(rows, HISTORY_COLUMNS)


def load_tuning(path: Paths) -> pd.DataFrame:
    """Return one row per tuned condition and learning rate of the grid.

    Columns: task, cell, gap, condition_id; chosen_lr, learned and at_edge as in
    `rnnbench.tuning.Choice`; lr, score, steps, solved and dropped as in its entries.
    """
    tuned = {r["condition_id"]: r for r in _records(path) if r.get("tuning")}
    rows = [
        {
            **{name: record[name] for name in ("task", "cell", "gap", "condition_id")},
            **{"chosen_lr": record["tuning"]["lr"]},
            **{name: record["tuning"][name] for name in ("learned", "at_edge")},
            **entry,
        }
        for record in tuned.values()
        for entry in record["tuning"]["grid"]
    ]
    order = ["task", "cell", "gap", "lr"]
    return pd.DataFrame(rows, columns=TUNING_COLUMNS).sort_values(order, ignore_index=True)


def _trainer(record: Record) -> Record:
    config = record.get("config", {})
    trainer = config.get("trainer", {})
    choice = {"lr_choice": "tuned" if config.get("tuned") else "given"}
    return choice | {name: trainer.get(name, default) for name, default in TRAINER.items()}


def _frame(rows: list[Record], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    numbers = [name for name in NUMBERS if name in columns]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _records(path: Paths) -> Iterator[Record]:
    """Yield each run once, though several of the places may hold it."""
    paths = [path] if isinstance(path, Path | str) else path
    seen: set[str] = set()
    for place in paths:
        for record in read_records(place):
            if record["run_id"] not in seen:
                seen.add(record["run_id"])
                yield record
