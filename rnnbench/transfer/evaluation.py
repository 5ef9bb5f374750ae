"""One condition's trained replicas, side by side, on the test streams of several gaps."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnbench.condition import Condition
from rnnbench.measuring import measure, parts
from rnnbench.records import Record
from rnnbench.rows import Row
from rnnbench.sizes import SEQUENCES_PER_CHUNK
from rnnbench.streams import TEST
from rnnbench.task import Task
from rnnbench.weights import load_stack

Job = dict[str, Any]


def evaluate(job: Job, progress: Callable[[Any], None], stop: threading.Event) -> list[Row]:
    """Measure replicas at each gap as the training measured them at theirs.

    Args:
        job: directory; condition; records of its replicas (run_id, seed, lr, gap, status);
            gaps; engine and device.
        progress: not used: a job is short.
        stop: when set, the gaps that are left stay undone.

    Returns:
        One row per replica and gap.
    """
    condition: Condition = job["condition"]
    task = condition.build_task()
    rows = []
    for gap in job["gaps"]:
        if stop.is_set():
            break
        there = task.at_gap(gap)
        measured = _measure(job, there)
        for record in job["records"]:
            rows.append(_row(job, record, there, measured.get(record["run_id"])))
    return rows


def _measure(job: Job, task: Task) -> dict[str, tuple[float, float]]:
    """Return loss and accuracy by run id, of the replicas that have not diverged in training."""
    condition: Condition = job["condition"]
    runs = [r["run_id"] for r in job["records"] if r["status"] != "diverged"]
    size = condition.trainer["eval_size"]
    states = condition.model["hidden_size"] * condition.model["num_layers"]
    states *= 2 if condition.model["bidirectional"] else 1
    found: dict[str, tuple[float, float]] = {}
    for part in parts(task, states, min(size, SEQUENCES_PER_CHUNK), len(runs)):
        model = load_stack(Path(job["directory"]), runs[part], job["engine"], job["device"])
        numbers = zip(*measure(model, task, TEST, size), strict=True)
        found |= dict(zip(runs[part], numbers, strict=True))
    return found


def _row(job: Job, record: Record, task: Task, measured: tuple[float, float] | None) -> Row:
    loss, accuracy = measured or (math.nan, math.nan)
    if math.isfinite(loss):
        score = task.score(loss, accuracy)
    else:
        loss, accuracy, score = math.nan, task.chance.accuracy, 0.0
    condition: Condition = job["condition"]
    return {
        "run_id": record["run_id"],
        "condition_id": record["condition_id"],
        "task": condition.task["name"],
        "cell": condition.cell["name"],
        **{name: record[name] for name in ("seed", "lr", "gap")},
        "test_gap": task.gap,
        "loss": loss,
        "accuracy": accuracy,
        "score": score,
        "chance_accuracy": task.chance.accuracy,
        "engine": job["engine"],
        "device": job["device"],
    }
