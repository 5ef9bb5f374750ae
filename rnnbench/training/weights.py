"""Load the trained weights of stored runs as models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from rnnbench.cell import Cell, Shapes
from rnnbench.experiment.class_path import handing
from rnnbench.experiment.condition import condition_of
from rnnbench.model import SequenceModel, model_shapes
from rnnbench.store.records import Record, Store, trained_as
from rnnbench.task import Task
from rnnbench.training.borrow import borrow_process
from rnnbench.training.code import check_code
from rnnbench.training.current import check_current


def load_model(
    path: Path | str, run_id: str, *, cell: type[Cell] | None = None, task: type[Task] | None = None
) -> SequenceModel:
    """Return the trained model of one run: a stack of one, for inputs `(T, B, F)`.

    The classes of its task and cell are found by the names in the record, unless they are handed
    over: those that were typed into a notebook must be. Nothing else in the record is run.

    Raises:
        FileNotFoundError: the directory holds no such run, or not its parameters.
        ValueError: the parameters do not fit the record, are another run's, or are not as they
            were written; or the cell or task computes something else than when it was trained.
    """
    store = Store(path)
    record = store.find([run_id]).get(run_id, {})
    # An own class is traced: what it computes must not depend on the caller's default type.
    with borrow_process(), handing(classes_for(record, task=task, cell=cell)):
        if record:
            check_current([condition_of(record)])
        return load_stack(path, [run_id])


def classes_for(record: Record, **classes: type | None) -> dict[str, type]:
    """Return classes of a task and a cell by the paths that a record has for them.

    Raises:
        ValueError: one is no class of its kind.
    """
    for part, base in (("task", Task), ("cell", Cell)):
        kind = classes.get(part)
        if kind is not None and not (isinstance(kind, type) and issubclass(kind, base)):
            raise ValueError(f"{part} must be a {base.__name__} class, got {kind!r}")
    config = record.get("config", {})
    given = {part: kind for part, kind in classes.items() if kind is not None and part in config}
    return {config[part]["_target_"]: kind for part, kind in given.items()}


def load_stack(
    path: Path | str, run_ids: Sequence[str], engine: str = "reference", device: str = "cpu"
) -> SequenceModel:
    """Return the trained models of several runs of one condition, at least one, as a stack.

    Raises:
        FileNotFoundError: the directory holds no such run, or not its parameters.
        ValueError: as in `load_model`; or the runs are of several conditions.
    """
    store = Store(path)
    found = store.find(run_ids)
    for run_id in run_ids:
        if run_id not in found or not store.parameters(trained_as(found[run_id])).exists():
            raise FileNotFoundError(f"no trained run {run_id} in {store.output_dir}")
    records = [found[run_id] for run_id in run_ids]
    conditions = {record["condition_id"] for record in records}
    if len(conditions) > 1:
        raise ValueError(f"run_ids must be of one condition, got {len(conditions)}")
    condition = condition_of(records[0])
    for record in records:
        check_code(record, condition)
    task, cell = condition.build_task(), condition.build_cell()
    layers = condition.layers
    sizes = (task.input_size, condition.model["hidden_size"], task.output_size)
    shapes = model_shapes(cell, *sizes, layers)
    replicas = [_parameters(store, record, shapes, condition.dtype) for record in records]
    stack = {name: torch.stack([own[name] for own in replicas]).to(device) for name in replicas[0]}
    return SequenceModel(cell, stack, engine, layers)


def _parameters(store: Store, record: Record, shapes: Shapes, dtype: str) -> dict[str, Tensor]:
    weights = store.parameters(trained_as(record))
    try:
        parameters = load(store.read_parameters(record))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{weights} cannot be read: {error}") from error
    found = {name: tuple(tensor.shape) for name, tensor in parameters.items()}
    if found != shapes:
        raise ValueError(f"{weights} must hold {shapes}, got {found}")
    types = {str(tensor.dtype).removeprefix("torch.") for tensor in parameters.values()}
    if types != {dtype}:
        raise ValueError(f"{weights} must hold {dtype}, got {', '.join(sorted(types))}")
    return parameters
