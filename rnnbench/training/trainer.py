"""Train a stack of replicas side by side: the loop, and what comes of each replica."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.experiment.condition import Replica
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel, initialize, model_shapes
from rnnbench.task import Batch, Task
from rnnbench.training.data import StackData, TrainingData, TrainingSet, fixed_batches
from rnnbench.training.evaluation import accuracy_by_age, evaluate
from rnnbench.training.optimizer import OPTIMIZERS, FlatStack
from rnnbench.training.recipe import PACES, Recipe
from rnnbench.training.step import TrainingStep
from rnnbench.training.streams import EVALUATION, INITIALIZATION, TEST, stream

SOLVED_IN_A_ROW = 3  # evaluations at the task's solved accuracy, one after the other
Row = dict[str, float]


@dataclass
class ReplicaState:
    """Hold what one replica has shown so far: its evaluations, and its seconds of training."""

    replica: Replica
    history: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    def steps_to_solve(self, accuracy: float) -> int | None:
        """Return the step of the first of the last 3 evaluations if all reached the accuracy."""
        latest = self.history[-SOLVED_IN_A_ROW:]
        right = sum(row["accuracy"] >= accuracy for row in latest)
        return int(latest[0]["step"]) if right == SOLVED_IN_A_ROW else None


@dataclass(frozen=True)
class Outcome:
    """Hold what a replica learned, once it has left the stack, and its final parameters."""

    state: ReplicaState
    status: str
    steps: int
    clipped_steps: int
    steps_to_solve: int | None
    loss: float
    accuracy: float
    score: float
    parameters: Mapping[str, Tensor]
    accuracy_by_age: Mapping[str, float] | None = None


def initial_parameters(
    task: Task, cell: Cell, layers: Layers, hidden_size: int, seed: int
) -> dict[str, Tensor]:
    """Return the parameters from which training starts, with a leading axis of 1."""
    shapes = model_shapes(cell, task.input_size, hidden_size, task.output_size, layers)
    drawn = {name: torch.zeros(shape) for name, shape in shapes.items()}
    initialize(cell, drawn, stream(INITIALIZATION, seed), gap=task.span, layers=layers)
    return {name: tensor[None] for name, tensor in drawn.items()}


class Trainer:
    """Train replicas side by side; one that is solved or diverges leaves, the others go on.

    A replica's numbers do not depend on which others are in the stack.

    Attributes:
        active: the replicas that are still trained, in the order of their rows.
        rows: those of the stack in which they are; what is in others has left already.
    """

    def __init__(self, task: Task, cell: Cell, recipe: Recipe, replicas: Sequence[Replica]) -> None:
        self.task, self.recipe = task, recipe
        self.device, self.dtype = torch.device(recipe.device), getattr(torch, recipe.dtype)
        self.pace = PACES[self.device.type]
        sizes = (task.input_size, recipe.hidden_size, task.output_size)
        shapes = model_shapes(cell, *sizes, recipe.layers)
        self.stack = FlatStack(shapes, len(replicas), self.device, self.dtype)
        self.model = SequenceModel(cell, self.stack.views(), recipe.engine, recipe.layers)
        self.active = [ReplicaState(replica) for replica in replicas]
        self.rows = list(range(len(replicas)))
        self.step = 0
        rates = torch.tensor([r.lr for r in replicas], device=self.device, dtype=self.dtype)
        self.optimizer = OPTIMIZERS[recipe.optimizer](self.stack.buffer, rates)
        self.data = self._make_data([replica.seed for replica in replicas])
        self._draw_parameters(cell)
        self.training = TrainingStep(
            *(task, self.model, self.stack, self.optimizer, self.data),
            clip_norm=recipe.clip_norm,
            clip_value=recipe.clip_value,
            seen_late=self.pace.look_every > 1,
        )
        self._fixed: dict[int, list[Batch]] = {}  # by stream

    def _make_data(self, seeds: Sequence[int]) -> StackData:
        recipe, place = self.recipe, (seeds, self.device, self.dtype)
        size, batch_size, steps = recipe.train_set_size, recipe.batch_size, recipe.steps
        if size is not None:
            return TrainingSet(self.task, size, batch_size, *place, steps=steps)
        schedule, threads = recipe.gap_schedule, self.pace.threads
        return TrainingData(
            self.task, batch_size, *place, schedule=schedule, steps=steps, threads=threads
        )

    @property
    def finished(self) -> bool:
        """Return whether no replica is left to train."""
        return not self.active

    def run(self) -> Iterator[list[Outcome]]:
        """Train; after every look at the losses, yield the replicas that are done.

        That is after every step on a CPU, and after every block of them on a GPU.
        """
        while not self.finished:
            outcomes = self._train()
            last = self.step == self.recipe.steps
            if self.active and (last or self.step % self.recipe.eval_every == 0):
                outcomes += self._evaluate()
            yield outcomes

    def _draw_parameters(self, cell: Cell) -> None:
        """Draw each replica's parameters on the CPU, so that they depend on the seed alone."""
        layers, size = self.recipe.layers, self.recipe.hidden_size
        for row, state in enumerate(self.active):
            drawn = initial_parameters(self.task, cell, layers, size, state.replica.seed)
            flat = torch.cat([tensor.flatten() for tensor in drawn.values()])
            self.stack.buffer[row, : len(flat)] = flat.to(self.device, self.dtype)

    def _train(self) -> list[Outcome]:
        """Train up to the next look; replicas with a loss that was not finite leave."""
        start = time.perf_counter()
        every = (self.pace.look_every, self.recipe.eval_every)
        for _ in range(min(self.recipe.steps - self.step, *(n - self.step % n for n in every))):
            self._train_step()
        losses = self.training.losses.tolist()  # waits for the device
        share = (time.perf_counter() - start) / len(self.active)
        for state in self.active:
            state.seconds += share
        return self._leave([not math.isfinite(losses[row]) for row in self.rows], "diverged")

    def _train_step(self) -> None:
        self.training.take(self.step)
        self.step += 1

    def _evaluate(self) -> list[Outcome]:
        losses, accuracies = self._measure(EVALUATION, self.rows)
        norms, trained = self.training.norms.tolist(), self.training.losses.tolist()
        measured = zip(self.active, self.rows, losses, accuracies, strict=True)
        for state, own, loss, accuracy in measured:
            score = self.task.score(loss, accuracy)
            row: Row = {"step": self.step, "loss": loss, "accuracy": accuracy, "score": score}
            state.history.append({**row, "grad_norm": norms[own], "train_loss": trained[own]})
        outcomes = self._leave([not math.isfinite(loss) for loss in losses], "diverged")
        steps = [state.steps_to_solve(self.task.solved_accuracy) for state in self.active]
        outcomes += self._leave([step is not None for step in steps], "solved")
        if self.step == self.recipe.steps:
            outcomes += self._leave([True] * len(self.active), "unsolved")
        return outcomes

    def _leave(self, leaving: Sequence[bool], status: str) -> list[Outcome]:
        """Measure the leaving ones of the active replicas on the test stream, and let them go."""
        if not any(leaving):
            return []
        gone = [place for place, leaves in enumerate(leaving) if leaves]
        measured: list[tuple[Any, ...]] = [(math.nan, self.task.chance.accuracy)] * len(gone)
        if status != "diverged":
            rows = [self.rows[place] for place in gone]
            by_age = accuracy_by_age(self._model(rows), self.task, TEST, self.recipe.eval_size)
            measured = list(zip(*self._measure(TEST, rows), by_age, strict=True))
        pairs = zip(gone, measured, strict=True)
        outcomes = [self._outcome(place, status, *numbers) for place, numbers in pairs]
        self._keep([place for place, leaves in enumerate(leaving) if not leaves])
        return outcomes

    def _outcome(
        self,
        place: int,
        status: str,
        loss: float,
        accuracy: float,
        by_age: Mapping[str, float] | None = None,
    ) -> Outcome:
        if not math.isfinite(loss):
            status, loss, accuracy = "diverged", math.nan, self.task.chance.accuracy
            by_age = None
        state, row = self.active[place], self.rows[place]
        solved_at = state.steps_to_solve(self.task.solved_accuracy)
        return Outcome(
            state=state,
            status=status,
            steps=self.step - int(self.training.idle[row]),
            clipped_steps=int(self.training.clipped[row]),
            steps_to_solve=solved_at if status == "solved" else None,
            loss=loss,
            accuracy=accuracy,
            score=0.0 if status == "diverged" else self.task.score(loss, accuracy),
            parameters={k: v.detach() for k, v in self.model.state_dict(row).items()},
            accuracy_by_age=by_age,
        )

    def drop(self, rates: Sequence[float | None]) -> list[Outcome]:
        """Measure the replicas with one of these learning rates and let them go."""
        return self._leave([state.replica.lr in rates for state in self.active], "dropped")

    def _keep(self, places: Sequence[int]) -> None:
        """Keep only these of the active replicas, exactly as they are.

        The rows of the others go on for nothing, until so few are left that the stack is cut.
        """
        self.active = [self.active[place] for place in places]
        self.rows = [self.rows[place] for place in places]
        if len(self.rows) < self.pace.least_active * len(self.stack.buffer):
            self.training.keep(torch.tensor(self.rows, dtype=torch.int64, device=self.device))
            self.rows = list(range(len(self.rows)))

    def _measure(self, kind: int, rows: Sequence[int]) -> tuple[list[float], list[float]]:
        """Return loss and accuracy of the replicas in some rows, on a fixed stream."""
        size = self.recipe.eval_size
        if self.pace.keeps_fixed and kind not in self._fixed:
            drawn = fixed_batches(self.task, size, kind, self.device, self.dtype)
            self._fixed[kind] = list(drawn)
        return evaluate(self._model(rows), self.task, kind, size, self._fixed.get(kind))

    def _model(self, rows: Sequence[int]) -> SequenceModel:
        """Return the model of the replicas in some rows."""
        parameters = {k: self._of(rows, v) for k, v in self.model.parameters.items()}
        return SequenceModel(self.model.cell, parameters, self.recipe.engine, self.recipe.layers)

    def _of(self, rows: Sequence[int], tensor: Tensor) -> Tensor:
        """Return some rows of a tensor `(R, ...)`; the tensor itself where they are all."""
        if len(rows) == len(tensor):
            return tensor
        return tensor.index_select(0, torch.tensor(rows, device=self.device))

    def tensors(self) -> dict[str, Tensor]:
        """Return by name all tensors that are needed to go on exactly."""
        own = {"parameters": self.stack.buffer, "clipped": self.training.clipped}
        return {k: self._of(self.rows, v) for k, v in (own | self.optimizer.state).items()}

    def state(self) -> dict[str, Any]:
        """Return as plain values what is needed, beside the tensors, to go on."""
        replicas = [
            {"replica": list(own.replica), "history": own.history, "seconds": own.seconds}
            for own in self.active
        ]
        return {"step": self.step, "replicas": replicas}

    def fits(self, tensors: Mapping[str, Tensor]) -> bool:
        """Return whether saved tensors have the names, shapes and types of this trainer's own."""
        own = {name: (tensor.shape, tensor.dtype) for name, tensor in self.tensors().items()}
        return own == {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Take up a saved state of these same replicas, in this order, before the first step."""
        self.step = state["step"]
        self.active = [
            ReplicaState(Replica(*saved["replica"]), list(saved["history"]), saved["seconds"])
            for saved in state["replicas"]
        ]
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])
