"""Trained weights of a stored run, ready to be asked and stepped through."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from rnnbench.condition import Condition
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel, model_shapes
from rnnbench.records import Store


def load_model(path: Path | str, run_id: str) -> SequenceModel:
    """Return the trained model of one run: a stack of one, for inputs `(T, B, F)`.

    The classes of its task and cell are found by the names in the record; nothing else in the
    record is run.

    Raises:
        FileNotFoundError: the directory holds no such run, or not its parameters.
        ValueError: the parameters do not fit the record.
    """
    store = Store(path)
    record = store.read(run_id)
    weights = store.parameters(run_id)
    if record is None or not weights.exists():
        raise FileNotFoundError(f"no trained run {run_id} in {path}")
    condition = Condition(**record["config"])
    task, cell = condition.build_task(), condition.build_cell()
    layers = Layers(condition.model["num_layers"], condition.model["bidirectional"])
    sizes = (task.input_size, condition.model["hidden_size"], task.output_size)
    shapes = model_shapes(cell, *sizes, layers)
    parameters = load_file(weights)
    found = {name: tuple(tensor.shape) for name, tensor in parameters.items()}
    if found != shapes:
        raise ValueError(f"{weights} must hold {shapes}, got {found}")
    stack = {name: tensor[None] for name, tensor in parameters.items()}
    return SequenceModel(cell, stack, layers=layers)
