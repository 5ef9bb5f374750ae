"""The checkpoint of a condition in flight: one file, from which it goes on exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from rnnbench.errors import warn
from rnnbench.records import write_atomically
from rnnbench.seal import check_tensors, seal_tensors
from rnnbench.trainer import Trainer


class Checkpoint(NamedTuple):
    """A trainer's tensors, and the rest of its state."""

    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save_checkpoint(path: Path, trainer: Trainer) -> None:
    """Write a trainer's state, in place of an older one."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in trainer.tensors().items()}
    content = save(tensors, metadata={"state": json.dumps(trainer.state())})
    write_atomically(path, seal_tensors(content))


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None where there is none, or none that can be read."""
    if not path.exists():
        return None
    try:
        check_tensors(path.read_bytes())
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        counts = {len(tensor) for tensor in tensors.values()}
        if counts != {len(state["replicas"])}:
            raise ValueError("its parts do not belong together")
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        warn(f"{path} is passed over: {error}")
        return None
    return Checkpoint(tensors, state)
