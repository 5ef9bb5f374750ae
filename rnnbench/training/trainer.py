"""Train a stack of replicas side by side: the recipe, the loop, and what comes of each replica."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel, initialize, model_shapes
from rnnbench.task import Task
from rnnbench.training.data import TrainingData, TrainingSet
from rnnbench.training.evaluation import evaluate
from rnnbench.training.optimizer import OPTIMIZERS, FlatStack, clip
from rnnbench.training.streams import EVALUATION, INITIALIZATION, TEST, stream

SOLVED_IN_A_ROW = 3  # evaluations at the task's solved accuracy, one after the other
Row = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """Say how a stack is trained, in plain values; engine and device are chosen already.

    Attributes:
        steps: optimiser updates at most.
        batch_size: sequences per step.
        clip_norm: bound of the gradient's norm; None for no clipping.
        eval_every: steps between two evaluations.
        eval_size: sequences of an evaluation.
        optimizer: adam, rmsprop or sgd.
        clip_value: bound of every element of the gradient, before clip_norm; None for none.
        train_set_size: sequences of each seed's fixed training set; None for fresh ones.
        gap_schedule: fixed, uniform or growing, see `SCHEDULES`; evaluations are at the task's gap.
    """

    hidden_size: int
    steps: int
    batch_size: int
    clip_norm: float | None
    eval_every: int
    eval_size: int
    engine: str = "reference"
    device: str = "cpu"
    dtype: str = "float32"
    num_layers: int = 1
    bidirectional: bool = False
    block: str = "plain"
    window: int = 1
    wiring: str = "chain"
    optimizer: str = "adam"
    clip_value: float | None = None
    train_set_size: int | None = None
    gap_schedule: str = "fixed"

    @property
    def layers(self) -> Layers:
        return Layers.of(asdict(self))


def make_recipe(condition: Condition, engine: str, device: str) -> Recipe:
    """Return the recipe of a condition on an engine and a device (not `auto`)."""
    settings = {**condition.model, **condition.trainer, "gap_schedule": condition.gap_schedule}
    return Recipe(**settings, engine=engine, device=device, dtype=condition.dtype)


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
        active: the replicas that are still in the stack, in the order of its rows.
    """

    def __init__(self, task: Task, cell: Cell, recipe: Recipe, replicas: Sequence[Replica]) -> None:
        self.task, self.recipe = task, recipe
        self.device, self.dtype = torch.device(recipe.device), getattr(torch, recipe.dtype)
        sizes = (task.input_size, recipe.hidden_size, task.output_size)
        shapes = model_shapes(cell, *sizes, recipe.layers)
        self.stack = FlatStack(shapes, len(replicas), self.device, self.dtype)
        self.model = SequenceModel(cell, self.stack.views(), recipe.engine, recipe.layers)
        self.active = [ReplicaState(replica) for replica in replicas]
        self.step = 0
        rates = torch.tensor([r.lr for r in replicas], device=self.device, dtype=self.dtype)
        self.optimizer = OPTIMIZERS[recipe.optimizer](self.stack.buffer, rates)
        self.data = self._make_data([replica.seed for replica in replicas])
        self._draw_parameters(cell)
        self._norm = torch.zeros(len(replicas), device=self.device)
        self._losses = torch.zeros(len(replicas), device=self.device)  # of the last batch
        self._clipped = torch.zeros(len(replicas), device=self.device, dtype=torch.int64)

    def _make_data(self, seeds: Sequence[int]) -> TrainingData | TrainingSet:
        size, batch_size = self.recipe.train_set_size, self.recipe.batch_size
        place = (self.device, self.dtype)
        if size is not None:
            return TrainingSet(self.task, size, batch_size, seeds, *place)
        schedule, steps = self.recipe.gap_schedule, self.recipe.steps
        return TrainingData(self.task, batch_size, seeds, *place, schedule=schedule, steps=steps)

    @property
    def finished(self) -> bool:
        """Return whether no replica is left in the stack."""
        return not self.active

    def run(self) -> Iterator[list[Outcome]]:
        """Train; after every step, yield the replicas that left the stack."""
        while not self.finished:
            outcomes = self._train_step()
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
        self._renew_views()

    def _renew_views(self) -> None:
        self.model.parameters = self.stack.views()

    def _train_step(self) -> list[Outcome]:
        start = time.perf_counter()
        batch = self.data.batch(self.step)
        outputs, _ = self.model(batch.inputs, last=self.task.answer_length)
        losses = self.task.loss(outputs, batch.targets)
        self._losses = losses.detach()
        total, parameters = losses.sum(), self.model.parameters
        leaves = list(parameters.values())  # a cell need not use all: zeros for the others
        gradients = torch.autograd.grad(total, leaves, materialize_grads=True)
        flat = self.stack.flatten(dict(zip(parameters, gradients, strict=True)))
        flat, self._norm, clipped = clip(flat, self.recipe.clip_norm, self.recipe.clip_value)
        self._clipped += clipped
        self.step += 1
        self.optimizer.update(self.stack.buffer, flat, self.step)
        all_finite = math.isfinite(total.item())
        share = (time.perf_counter() - start) / len(self.active)
        for state in self.active:
            state.seconds += share
        return [] if all_finite else self._leave(~losses.detach().isfinite(), "diverged")

    def _evaluate(self) -> list[Outcome]:
        losses, accuracies = self._measure(EVALUATION)
        last = zip(self._norm.tolist(), self._losses.tolist(), strict=True)
        for state, loss, accuracy, own in zip(self.active, losses, accuracies, last, strict=True):
            score = self.task.score(loss, accuracy)
            row: Row = {"step": self.step, "loss": loss, "accuracy": accuracy, "score": score}
            state.history.append({**row, "grad_norm": own[0], "train_loss": own[1]})
        diverged = torch.tensor([not math.isfinite(loss) for loss in losses])
        outcomes = self._leave(diverged, "diverged")
        steps = [state.steps_to_solve(self.task.solved_accuracy) for state in self.active]
        solved = torch.tensor([step is not None for step in steps])
        outcomes += self._leave(solved, "solved")
        if self.step == self.recipe.steps:
            outcomes += self._leave(torch.ones(len(self.active)).bool(), "unsolved")
        return outcomes

    def _leave(self, leaving: Tensor, status: str) -> list[Outcome]:
        """Measure the leaving replicas on the test stream and take them out of the stack."""
        if not bool(leaving.any()):
            return []
        rows = leaving.nonzero().flatten()
        chance = (math.nan, self.task.chance.accuracy)
        measured = [chance] * len(rows)
        if status != "diverged":
            measured = list(zip(*self._measure(TEST, rows.to(self.device)), strict=True))
        pairs = zip(rows.tolist(), measured, strict=True)
        outcomes = [self._outcome(row, status, *numbers) for row, numbers in pairs]
        self._keep((~leaving).nonzero().flatten())
        return outcomes

    def _outcome(self, row: int, status: str, loss: float, accuracy: float) -> Outcome:
        if not math.isfinite(loss):
            status, loss, accuracy = "diverged", math.nan, self.task.chance.accuracy
        state = self.active[row]
        solved_at = state.steps_to_solve(self.task.solved_accuracy)
        return Outcome(
            state=state,
            status=status,
            steps=self.step,
            clipped_steps=int(self._clipped[row]),
            steps_to_solve=solved_at if status == "solved" else None,
            loss=loss,
            accuracy=accuracy,
            score=0.0 if status == "diverged" else self.task.score(loss, accuracy),
            parameters={k: v.detach() for k, v in self.model.state_dict(row).items()},
        )

    def drop(self, rates: Sequence[float | None]) -> list[Outcome]:
        """Measure the replicas with one of these learning rates and take them out of the stack."""
        behind = [state.replica.lr in rates for state in self.active]
        return self._leave(torch.tensor(behind), "dropped")

    def keep_only(self, replicas: Sequence[Replica]) -> None:
        """Drop the replicas that are not among these."""
        wanted = [state.replica in replicas for state in self.active]
        self._keep(torch.tensor(wanted, dtype=torch.bool).nonzero().flatten())

    def _keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers, exactly as they are."""
        self.active = [self.active[row] for row in rows.tolist()]
        on_device = rows.to(self.device)
        self.stack.buffer = self.stack.buffer.index_select(0, on_device)
        self.optimizer.keep(on_device)
        self.data.keep(on_device)
        self._norm = self._norm.index_select(0, on_device)
        self._losses = self._losses.index_select(0, on_device)
        self._clipped = self._clipped.index_select(0, on_device)
        self._renew_views()

    def _measure(self, kind: int, rows: Tensor | None = None) -> tuple[list[float], list[float]]:
        """Return loss and accuracy of each replica (or of some) on a fixed stream."""
        parameters = self.model.parameters
        if rows is not None:
            parameters = {k: v.index_select(0, rows) for k, v in parameters.items()}
        model = SequenceModel(self.model.cell, parameters, self.recipe.engine, self.recipe.layers)
        return evaluate(model, self.task, kind, self.recipe.eval_size)

    def tensors(self) -> dict[str, Tensor]:
        """Return by name all tensors that are needed to go on exactly."""
        own = {"parameters": self.stack.buffer, "clipped": self._clipped}
        return own | self.optimizer.state

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
        """Take up a saved state of these same replicas, in this order."""
        self.step = state["step"]
        self.active = [
            ReplicaState(Replica(*saved["replica"]), list(saved["history"]), saved["seconds"])
            for saved in state["replicas"]
        ]
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self.stack.buffer, self._clipped = moved.pop("parameters"), moved.pop("clipped")
        self.optimizer.state = moved
        self._renew_views()
