"""Diagnose a stored run: measure it before and after training, and label it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from rnnbench.cell import Cell
from rnnbench.diagnose.label import gather, label
from rnnbench.diagnose.measures import measure_network, oldest_answer
from rnnbench.diagnose.network import SigmoidGates, Unrolled
from rnnbench.experiment.condition import condition_of
from rnnbench.store.diagnoses import FORMAT
from rnnbench.store.frames import RUN_KEY
from rnnbench.store.records import Record
from rnnbench.task import Batch, Task
from rnnbench.training.streams import diagnosing
from rnnbench.training.trainer import initial_parameters
from rnnbench.training.weights import load_model

# Over a long gap a gradient may fade far below what float32 can hold.
DTYPE = torch.float64


def diagnose_run(output_dir: Path, record: Record, sequences: int) -> Record:
    """Measure one run before and after training, and label it.

    The sequences are fresh, and the same for every run of a task at a gap.

    Raises:
        ValueError: its task and cell cannot be built; or it reads sequences from their end too or
            as a whole, so that no state carries the past; or its task needs no memory; or its
            weights do not fit.
        FileNotFoundError: its weights are gone.
    """
    condition = condition_of(record)
    layers = condition.layers
    if layers.bidirectional:
        raise ValueError("model.bidirectional must be false: no single state carries the past")
    if layers.window > 1:
        raise ValueError("model.window must be 1: inputs in it carry the past, too")
    if layers.is_tree:
        raise ValueError("model.wiring must be chain: no single state carries the past")
    # First, since it is cheap, and a size that does not fit them may ask for any amount of memory.
    trained = load_model(output_dir, record["run_id"]).parameters
    task, cell = condition.build_task(), condition.build_cell()
    if not cell.states:
        raise ValueError(f"cell must have states, step by step, got {type(cell).__name__}")
    answer = oldest_answer(task)
    batch = _sample(task, sequences)
    gates, left_out = _gates_of(cell)
    cue = task.cue(batch)
    if cue is None:
        left_out.append("recoverable cue: the task does not tell its cue")
    drawn = initial_parameters(task, cell, layers, condition.model["hidden_size"], record["seed"])
    phases = {}
    for name, parameters in (("initial", drawn), ("trained", trained)):
        if not all(bool(tensor.isfinite().all()) for tensor in parameters.values()):
            left_out.append(f"{name}: the weights are not finite")
            continue
        in_float64 = {key: tensor.to(DTYPE) for key, tensor in parameters.items()}
        network = Unrolled(cell, in_float64, layers, gates)
        phases[name] = measure_network(network, task, batch, answer, cell.keep_gate)
    measured: Record = {
        "format": FORMAT,
        **{name: record[name] for name in RUN_KEY},
        "condition_id": record["condition_id"],
        "settings": diagnosis_settings(sequences),
        "answer": answer.place,
        "cue_time": answer.cue_time,
        "read_time": answer.read_time,
        "cue": cue if cue is None else "value" if cue.is_floating_point() else "class",
        "keep_gate": cell.keep_gate,
        "clipped_share": _clipped_share(record),
        "left_out": left_out,
        "phases": phases,
    }
    word, evidence = label(gather(record, measured))
    return {**measured, "label": word, "evidence": evidence}


def diagnosis_settings(sequences: int) -> dict[str, Any]:
    """Return a diagnosis's settings; a stored diagnosis that has the same ones is reused."""
    return {"sequences": sequences}


def _sample(task: Task, sequences: int) -> Batch:
    inputs, targets = task.sample(sequences, diagnosing(0))
    return Batch(inputs.to(DTYPE), targets.to(DTYPE) if targets.is_floating_point() else targets)


def _gates_of(cell: Cell) -> tuple[SigmoidGates | None, list[str]]:
    """Return the gates to record; or None, and in words why."""
    if not cell.declared:
        return None, ["gates: the cell gives a step and declares none"]
    try:
        gates = SigmoidGates(cell)
    except ValueError as error:
        return None, [f"gates: {error}"]
    return (gates, []) if gates.names else (None, ["gates: the cell squashes none by a sigmoid"])


def _clipped_share(record: Record) -> float | None:
    """Return the share of clipped steps; None where none were trained or counted."""
    clipped = record.get("clipped_steps")
    return None if clipped is None or not record["steps"] else clipped / record["steps"]
