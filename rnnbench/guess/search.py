"""Draw random networks, keep the best on the evaluation stream, and test that one once.

Hochreiter & Schmidhuber (1997, doi:10.1162/neco.1997.9.8.1735) found that guessing solves some
tasks with long gaps sooner than gradient descent does; Schmidhuber, Hochreiter & Bengio (2001,
"Evaluating benchmark problems by random guessing") propose it as a first test of a benchmark.
They draw all weights from U[-100, 100] and set states to 0. Success depends on that bound, so here
it is log-uniform from 0.1, about where torch starts 64 units, to their 100. Networks have few
units, like theirs, or as many as the trained ones, in turn.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rnnbench.cell import Shapes
from rnnbench.engine import check_engine
from rnnbench.experiment.condition import Condition, arguments_of, condition_of
from rnnbench.experiment.limits import SEQUENCES_PER_CHUNK
from rnnbench.model import SequenceModel, model_shapes
from rnnbench.store.records import NothingToDo, read_records, select_records
from rnnbench.store.settings import digest, name_conditions
from rnnbench.store.tables import GUESSES, Row
from rnnbench.task import Task
from rnnbench.training.evaluation import evaluate, memory_chunks
from rnnbench.training.optimizer import FlatStack
from rnnbench.training.streams import EVALUATION, TEST, guessing

VERSION = 1  # raised whenever the same guesses get other numbers
LEAST_SCALE, GREATEST_SCALE = 0.1, 100.0
FEW_UNITS = (1, 4)
STARTS = ("init", "keep_bias")  # settings of a cell that do not matter, as a guess draws all anew
# Every guess is evaluated on so many sequences. The best FINALISTS are evaluated on all, and so is
# each that comes NEAR so much of the way from chance to a solution, so that no solution is missed.
FIRST_SEQUENCES = 64
FINALISTS = 32
NEAR = 0.9
Job = dict[str, Any]


class Found(NamedTuple):
    """Hold what one guess gets; the score is minus infinity where the loss is not finite."""

    loss: float
    accuracy: float
    score: float


def sizes_of(hidden_size: int) -> tuple[int, ...]:
    """Return the hidden sizes that guesses take in turn, ascending."""
    return tuple(sorted({*FEW_UNITS, hidden_size}))


def search(job: Job, progress: Callable[[Any], None], stop: threading.Event) -> list[Row]:
    """Guess networks for one task, gap and cell; return one row, or none after a stop."""
    condition: Condition = job["condition"]
    task, guesses, size = condition.build_task(), job["guesses"], condition.trainer["eval_size"]
    first = _measure(job, task, range(guesses), EVALUATION, min(FIRST_SEQUENCES, size), stop)
    if stop.is_set():
        return []
    finalists = _finalists(task, first)
    found = _measure(job, task, finalists, EVALUATION, size, stop)
    if stop.is_set():
        return []
    solving = [n for n in finalists if found[n].accuracy >= task.solved_accuracy]
    best = max(finalists, key=lambda number: (found[number].score, -number))
    (tested,) = _measure(job, task, [best], TEST, size, stop).values()
    return [_row(job, task, best, found[best], tested, solving)]


def draw(
    shapes: Shapes, numbers: Sequence[int], dtype: torch.dtype = torch.float32
) -> tuple[dict[str, Tensor], list[float]]:
    """Return a stack of random networks, and the bound s of each one's weights.

    All weights and biases are uniform in [-s, s]; s is log-uniform. A network depends on its number
    (from 0) and the shapes of its parameters alone.
    """
    stack = FlatStack(shapes, len(numbers), torch.device("cpu"), dtype)
    scales = []
    for row, number in zip(stack.buffer, numbers, strict=True):
        generator = guessing(number)
        share = torch.rand((), generator=generator).item()
        scales.append(LEAST_SCALE * (GREATEST_SCALE / LEAST_SCALE) ** share)
        drawn = torch.rand(sum(stack.sizes), generator=generator)
        row[: len(drawn)] = (2 * drawn - 1) * scales[-1]
    return stack.views(), scales


def _measure(
    job: Job, task: Task, numbers: Iterable[int], kind: int, size: int, stop: threading.Event
) -> dict[int, Found]:
    """Evaluate guesses on the first `size` sequences of a stream; return results by number."""
    condition: Condition = job["condition"]
    layers = condition.layers
    sizes = sizes_of(condition.model["hidden_size"])
    cell, numbers = condition.build_cell(), list(numbers)
    found: dict[int, Found] = {}
    for place, units in enumerate(sizes):
        shapes = model_shapes(cell, task.input_size, units, task.output_size, layers)
        own = [number for number in numbers if number % len(sizes) == place]
        states = units * layers.num_layers * layers.directions
        for part in memory_chunks(task, states, min(size, SEQUENCES_PER_CHUNK), len(own)):
            if stop.is_set():
                return found
            parameters, _ = draw(shapes, own[part], getattr(torch, condition.dtype))
            model = SequenceModel(cell, parameters, job["engine"], layers)
            measured = zip(*evaluate(model, task, kind, size), strict=True)
            found |= {n: _found(task, *each) for n, each in zip(own[part], measured, strict=True)}
    return found


def _found(task: Task, loss: float, accuracy: float) -> Found:
    if math.isfinite(loss):
        return Found(loss, accuracy, task.score(loss, accuracy))
    return Found(math.nan, task.chance.accuracy, -math.inf)


def _finalists(task: Task, first: dict[int, Found]) -> list[int]:
    """Return the numbers of the guesses that are evaluated on all sequences, ascending."""
    chance = task.chance.accuracy
    near = chance + NEAR * (task.solved_accuracy - chance)
    ranked = sorted(first, key=lambda number: (-first[number].score, number))
    return sorted({*ranked[:FINALISTS], *(n for n in first if first[n].accuracy >= near)})


def _row(
    job: Job, task: Task, best: int, chosen: Found, tested: Found, solving: Sequence[int]
) -> Row:
    condition: Condition = job["condition"]
    sizes, layers = sizes_of(condition.model["hidden_size"]), condition.layers
    _, (scale,) = draw({}, [best])
    return {
        "search_id": job["search_id"],
        "task": condition.task["name"],
        "cell": condition.cell["name"],
        "gap": task.gap,
        "num_layers": layers.num_layers,
        "directions": layers.directions,
        "hidden_sizes": " ".join(map(str, sizes)),
        "guesses": job["guesses"],
        "solved": len(solving),
        "first_solved": min(solving) + 1 if solving else math.nan,
        "best_guess": best + 1,
        "best_hidden_size": sizes[best % len(sizes)],
        "best_scale": scale,
        "evaluation_accuracy": chosen.accuracy,
        "evaluation_score": 0.0 if math.isinf(chosen.score) else chosen.score,
        "loss": tested.loss,
        "accuracy": tested.accuracy,
        "score": 0.0 if math.isinf(tested.score) else tested.score,
        "chance_accuracy": task.chance.accuracy,
        "engine": job["engine"],
    }


def make_plan(
    directory: Path, guesses: int, tasks: Sequence[str] | None, cells: Sequence[str] | None
) -> tuple[list[Job], list[str]]:
    """Return the jobs that are left for `search`, and lines on what is left out or changed.

    Conditions that differ only in their training, or in how the cell starts, share one search. The
    results may be published ones, without weights. Tasks and cells are names; None stands for all.

    Raises:
        FileNotFoundError: there are no results.
        NothingToDo: there are no runs, or a name is unknown.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"no results directory at {directory}")
    records = list(read_records(directory))
    if not records:
        raise NothingToDo(f"no runs in {directory}")
    done = set(GUESSES.load(directory)["search_id"])
    conditions: dict[str, Condition] = {}
    lines: dict[str, None] = {}
    for record in select_records(select_records(records, "task", tasks), "cell", cells):
        try:
            condition = condition_of(record)
        except ValueError as error:
            lines[f"{record['run_id']} is left out: {error}"] = None
        else:
            conditions.setdefault(search_id(condition, guesses), condition)
    entries = {
        identity: {"gap": it.task["gap"], "settings": _searched(it).all_settings}
        for identity, it in conditions.items()
    }
    names = name_conditions(entries)
    jobs = []
    left = [identity for identity in conditions if identity not in done]
    for identity in sorted(left, key=lambda i: -conditions[i].task["gap"]):
        engine, line = _engine(conditions[identity])
        lines |= {line: None} if line else {}
        job = {"search_id": identity, "condition": conditions[identity], "engine": engine}
        jobs.append({**job, "name": f"{names[identity]}: {guesses} guesses", "guesses": guesses})
    return jobs, list(lines)


def _searched(condition: Condition) -> Condition:
    """Return the condition without its training and the cell's start, which do not matter."""
    task = {key: value for key, value in condition.task.items() if key != "gap_schedule"}
    cell = {key: value for key, value in condition.cell.items() if key not in STARTS}
    bare = replace(condition, task=task, cell=cell, trainer={}, tuned=False)
    return replace(bare, engine="", device="")


def search_id(condition: Condition, guesses: int) -> str:
    """Return the hash of all settings that can change what guessing finds for a condition."""
    settings = _searched(condition).settings
    versions = {key: condition.versions[key] for key in ("task", "cell", "model")}
    return digest(
        {
            "kind": condition.task["_target_"],
            "task": arguments_of(settings["task"]),
            "cell": settings["cell"],
            "model": settings["model"],
            "sizes": sizes_of(condition.model["hidden_size"]),
            "eval_size": condition.trainer["eval_size"],
            "dtype": condition.dtype,
            "guesses": guesses,
            "versions": versions,
            "search": VERSION,
        }
    )


def _engine(condition: Condition) -> tuple[str, str]:
    """Return the compiled engine and no words; or the reference engine, and why."""
    try:
        check_engine("compiled", condition.build_cell(), "cpu")
    except ValueError as error:
        return "reference", f"{condition.cell['name']} runs on the reference engine: {error}"
    return "compiled", ""
