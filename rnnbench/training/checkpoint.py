"""Save a condition in training to one file, and read it back so that training goes on exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from rnnbench.console import message_of, warn
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.limits import LAST_SEED
from rnnbench.store import files
from rnnbench.store.rules import AT_LEAST_0, LIST, Rule, Rules, check_fields, replica, shown, whole
from rnnbench.store.schema import EVALUATION, MEASURES
from rnnbench.store.seals import check_tensors, seal_tensors
from rnnbench.training.code import Code
from rnnbench.training.recipe import Recipe
from rnnbench.training.trainer import Trainer

ENTRY: Rules = {"replica": replica(LAST_SEED), "history": LIST, "seconds": AT_LEAST_0}
# A gradient may be infinite, which is null only where it is recorded.
MEASURED = Rule("a number", lambda value: type(value) in (int, float))
ROW: Rules = {**EVALUATION, **dict.fromkeys(MEASURES, MEASURED)}

# What a file of any content may raise: it may ask for all memory.
UNREADABLE = (OSError, SafetensorError, ValueError, KeyError, TypeError, MemoryError)


class Checkpoint(NamedTuple):
    """A trainer's tensors, and the rest of its state."""

    tensors: dict[str, Tensor]
    state: dict[str, Any]

    @property
    def replicas(self) -> list[Replica]:
        return [Replica(*entry["replica"]) for entry in self.state["replicas"]]

    def only(self, replicas: Sequence[Replica]) -> Checkpoint:
        """Return what is saved of some replicas, in the order in which all are saved."""
        rows = [row for row, replica in enumerate(self.replicas) if replica in replicas]
        tensors = {name: tensor[torch.tensor(rows)] for name, tensor in self.tensors.items()}
        entries = [self.state["replicas"][row] for row in rows]
        return Checkpoint(tensors, {**self.state, "replicas": entries})


def save_checkpoint(path: Path, trainer: Trainer, condition_id: str, code: Code) -> None:
    """Write a trainer's state, in place of an older one."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in trainer.tensors().items()}
    state = {"state": json.dumps(trainer.state())}
    content = save(tensors, metadata=_owner(condition_id, trainer.recipe, code) | state)
    files.write_atomically(path, seal_tensors(content))


def load_checkpoint(path: Path, condition_id: str, plan: Recipe, code: Code) -> Checkpoint | None:
    """Read a checkpoint; None where there is none, or none from which this training can go on.

    Another plan, engine, device or code would go on to other numbers.
    """
    if not path.exists():
        return None
    try:
        content = files.read_file(path, most=None)
        metadata = check_tensors(content)
        for name, value in _owner(condition_id, plan, code).items():
            if metadata.get(name) != value:
                raise ValueError(f"its {name} is {shown(metadata.get(name))}, and not {value}")
        checkpoint = Checkpoint(load(content), files.parse_json(metadata["state"]))
        _check_state(checkpoint.state, plan)
        if {len(tensor) for tensor in checkpoint.tensors.values()} != {len(checkpoint.replicas)}:
            raise ValueError("its parts do not belong together")
    except UNREADABLE as error:
        warn_unused(path, message_of(error))
        return None
    return checkpoint


def warn_unused(path: Path, reason: str) -> None:
    """Say that a checkpoint is not used: its stack is trained from the start."""
    warn(f"{path} is passed over: {reason}")


def _owner(condition_id: str, plan: Recipe, code: Code) -> dict[str, str]:
    circumstances = {"condition_id": condition_id, "engine": plan.engine, "device": plan.device}
    return {**circumstances, **{f"{part} code": told for part, told in code.items()}}


def _check_state(state: Any, plan: Recipe) -> None:
    """Check that a state is one that this training passes through.

    Raises:
        ValueError: it is not.
    """
    check_fields(state, {"step": whole(0, plan.steps - 1), "replicas": LIST}, {}, "a state")
    evaluated = range(plan.eval_every, state["step"] + 1, plan.eval_every)
    for entry in state["replicas"]:
        check_fields(entry, ENTRY, {}, "a state's entry")
        for row in entry["history"]:
            check_fields(row, ROW, {}, "an evaluation")
        if [row["step"] for row in entry["history"]] != list(evaluated):
            raise ValueError(f"its evaluations are not those up to step {state['step']}")
    if len({tuple(entry["replica"]) for entry in state["replicas"]}) < len(state["replicas"]):
        raise ValueError("its replicas are not different ones")
