"""Evaluate trained replicas at other gaps of their task, where that is not done yet."""

from __future__ import annotations

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rnnbench.console import count
from rnnbench.engine import check_engine
from rnnbench.experiment.condition import Condition, condition_of
from rnnbench.experiment.limits import SEQUENCES_PER_CHUNK
from rnnbench.store.records import NothingToDo, Record, Store, select_records, trained_as
from rnnbench.store.settings import name_recorded
from rnnbench.store.tables import TRANSFER, Row
from rnnbench.task import Task
from rnnbench.training.evaluation import evaluate, memory_chunks
from rnnbench.training.machine import choose_device
from rnnbench.training.streams import TEST
from rnnbench.training.weights import load_stack

Job = dict[str, Any]
MEASURABLE = ("solved", "unsolved", "diverged")


def make_plan(
    directory: Path,
    gaps: Sequence[int] | None,
    tasks: Sequence[str] | None,
    cells: Sequence[str] | None,
) -> tuple[list[Job], list[str]]:
    """Return the jobs that are left for `evaluate_replicas`, and lines on what is left out.

    Where `gaps` is None, networks are evaluated at all gaps of their task in the directory. Tasks
    and cells are names; None stands for all. The longest job comes first.

    Raises:
        FileNotFoundError: there are no results.
        NothingToDo: no run is left, or a name or every gap is unknown.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"no results directory at {directory}")
    store = Store(directory)
    everything = list(store.runs().values())
    records = select_records(select_records(everything, "task", tasks), "cell", cells)
    records, lines = _measurable(store, records)
    if not records:
        raise NothingToDo("; ".join([f"no trained runs in {directory}", *lines]))
    possible, refused = _possible(records, gaps, everything)
    if not any(possible.values()):
        raise NothingToDo("; ".join(refused))
    runnable = [_runnable(job) for job in _jobs_left(directory, records, possible)]
    changed = dict.fromkeys(line for _, line in runnable if line)
    return [job for job, _ in runnable], [*lines, *refused, *changed]


def _measurable(store: Store, records: Iterable[Record]) -> tuple[list[Record], list[str]]:
    """Return the records of finished, current runs with weights, and lines on the others."""
    reasons = [(record, _reason(store, record)) for record in records]
    left_out = Counter(reason for _, reason in reasons if reason)
    lines = [f"left out: {count(n, 'run')} {text}" for text, n in left_out.items()]
    return [record for record, reason in reasons if not reason], lines


def _reason(store: Store, record: Record) -> str:
    """Return why runs like this one are left out; empty if they are not."""
    if record["status"] not in MEASURABLE:
        return "that failed, to be trained again"
    try:
        versions, then = condition_of(record).versions, record.get("versions", {})
    except ValueError as error:
        return f"that cannot be built here: {error}"
    if any(then.get(part) != versions[part] for part in ("task", "cell", "model")):
        return "of an older version of task, cell or model"
    stored = store.parameters(trained_as(record)).exists()
    return "" if stored else "without stored weights"


def _possible(
    records: Iterable[Record], gaps: Sequence[int] | None, everything: Iterable[Record]
) -> tuple[dict[str, list[int]], list[str]]:
    """Return the gaps that each condition's task can have, and lines on those it cannot."""
    there: dict[str, set[int]] = defaultdict(set)
    for record in everything:
        there[record["task"]].add(record["gap"])
    possible: dict[str, list[int]] = {}
    refused: dict[str, None] = {}
    for record in {r["condition_id"]: r for r in records}.values():
        task, name = condition_of(record).build_task(), record["task"]
        own = possible[record["condition_id"]] = []
        for gap in gaps or sorted(there[name]):
            try:
                task.at_gap(gap)
            except ValueError as error:
                refused[f"{name} is left out at gap {gap}: {error}"] = None
            else:
                own.append(gap)
    return possible, list(refused)


def _jobs_left(directory: Path, records: Sequence[Record], gaps: dict[str, list[int]]) -> list[Job]:
    """Return a job for all runs of a condition that lack the same gaps, the longest first."""
    done = set(TRANSFER.load(directory)[TRANSFER.key].itertuples(index=False, name=None))
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in records:
        identity = record["condition_id"]
        left = tuple(gap for gap in gaps[identity] if (record["run_id"], gap) not in done)
        if left:
            groups[identity, record["engine"], record["device"], left].append(record)
    names = name_recorded(records)
    jobs = [
        _job(directory, names[identity], own, left) for (identity, *_, left), own in groups.items()
    ]
    return sorted(jobs, key=lambda job: -sum(job["gaps"]) * len(job["records"]))


def _job(directory: Path, name: str, records: list[Record], gaps: Sequence[int]) -> Job:
    described = f"{count(len(records), 'run')} at {', '.join(map(str, gaps))}"
    fields = ("run_id", "condition_id", "seed", "lr", "gap", "status")
    return {
        "name": f"{name}: {described}",
        "directory": str(directory),
        "condition": condition_of(records[0]),
        "records": [{name: record[name] for name in fields} for record in records],
        "gaps": list(gaps),
        "engine": records[0]["engine"],
        "device": records[0]["device"],
    }


def _runnable(job: Job) -> tuple[Job, str]:
    """Return the job with an engine and a device that work here, and a line if they changed."""
    engine, device = job["engine"], job["device"]
    try:
        device = choose_device(device)
        check_engine(engine, job["condition"].build_cell(), device)
    except ValueError as error:
        instead = {"engine": "reference", "device": choose_device("cpu")}
        name = job["condition"].cell["name"]
        return job | instead, f"{name} runs on the reference engine, not {engine}: {error}"
    return job, ""


def evaluate_replicas(
    job: Job, progress: Callable[[Any], None], stop: threading.Event
) -> list[Row]:
    """Evaluate replicas at each gap as at the end of training; return a row per replica and gap.

    A stop leaves out the remaining gaps.
    """
    condition: Condition = job["condition"]
    task = condition.build_task()
    rows = []
    for gap in job["gaps"]:
        if stop.is_set():
            break
        there = task.at_gap(gap)
        measured = _measure(job, there)
        rows += [_row(job, run, there, measured.get(run["run_id"])) for run in job["records"]]
    return rows


def _measure(job: Job, task: Task) -> dict[str, tuple[float, float]]:
    """Return loss and accuracy by run id, for replicas that did not diverge in training."""
    condition: Condition = job["condition"]
    runs = [r["run_id"] for r in job["records"] if r["status"] != "diverged"]
    size = condition.trainer["eval_size"]
    layers = condition.layers
    states = condition.model["hidden_size"] * layers.num_layers * layers.directions
    found: dict[str, tuple[float, float]] = {}
    for part in memory_chunks(task, states, min(size, SEQUENCES_PER_CHUNK), len(runs)):
        model = load_stack(Path(job["directory"]), runs[part], job["engine"], job["device"])
        numbers = zip(*evaluate(model, task, TEST, size), strict=True)
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
        "seed": record["seed"],
        "lr": record["lr"],
        "gap": record["gap"],
        "test_gap": task.gap,
        "loss": loss,
        "accuracy": accuracy,
        "score": score,
        "chance_accuracy": task.chance.accuracy,
        "engine": job["engine"],
        "device": job["device"],
    }
