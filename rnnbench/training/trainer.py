"""How a stack is trained: sizes, lengths, bounds; plain values, of a resolved engine and device."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.model import Layers, SequenceModel, initialize, model_shapes
from rnnbench.task import Task
from rnnbench.training.data import TrainingData, TrainingSet
from rnnbench.training.evaluation import evaluate
from rnnbench.training.optimizer import OPTIMIZERS, FlatStack, clip
from rnnbench.training.streams import EVALUATION, INITIALIZATION, TEST, stream


@dataclass(frozen=True)
class Recipe:
    """How long and with what a stack is trained.

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
    optimizer: str = "adam"
    clip_value: float | None = None
    train_set_size: int | None = None
    gap_schedule: str = "fixed"

    @property
    def layers(self) -> Layers:
        return Layers(self.num_layers, self.bidirectional)


def make_recipe(condition: Condition, engine: str, device: str) -> Recipe:
    """Return how a condition is trained on a resolved engine and device."""
    settings = {**condition.model, **condition.trainer, "gap_schedule": condition.gap_schedule}
    return Recipe(**settings, engine=engine, device=device, dtype=condition.dtype)


SOLVED_IN_A_ROW = 3
Row = dict[str, float]


@dataclass
class ReplicaState:
    """What is known of one replica so far."""

    replica: Replica
    history: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    def steps_to_solve(self, accuracy: float) -> int | None:
        """Return the first of the last evaluations in a row that were right, if enough were."""
        latest = self.history[-SOLVED_IN_A_ROW:]
        solved = len(latest) == SOLVED_IN_A_ROW and all(
            row["accuracy"] >= accuracy for row in latest
        )
        return int(latest[0]["step"]) if solved else None


@dataclass(frozen=True)
class Outcome:
    """A replica that left the stack: what it learned, and its final parameters."""

    progress: ReplicaState
    status: str
    steps: int
    clipped_steps: int
    steps_to_solve: int | None
    loss: float
    accuracy: float
    score: float
    parameters: Mapping[str, Tensor]


class Trainer:
    """Train replicas side by side; whoever is solved or diverges leaves, the others go on.

    A replica's numbers do not depend on the company it trains in.
    """

    def __init__(self, task: Task, cell: Cell, plan: Recipe, replicas: Sequence[Replica]) -> None:
        self.task, self.plan = task, plan
        self.device, self.dtype = torch.device(plan.device), getattr(torch, plan.dtype)
        sizes = (task.input_size, plan.hidden_size, task.output_size)
        shapes = model_shapes(cell, *sizes, plan.layers)
        self.stack = FlatStack(shapes, len(replicas), self.device, self.dtype)
        self.model = SequenceModel(cell, self.stack.views(), plan.engine, plan.layers)
        self.progress = [ReplicaState(replica) for replica in replicas]
        self.step = 0
        rates = torch.tensor([r.lr for r in replicas], device=self.device, dtype=self.dtype)
        self.optimizer = OPTIMIZERS[plan.optimizer](self.stack.buffer, rates)
        self.data = self._make_data([replica.seed for replica in replicas])
        self._draw_parameters(cell)
        self._norm = torch.zeros(len(replicas), device=self.device)
        self._clipped = torch.zeros(len(replicas), device=self.device, dtype=torch.int64)

    def _make_data(self, seeds: Sequence[int]) -> TrainingData | TrainingSet:
        size, batch_size = self.plan.train_set_size, self.plan.batch_size
        place = (self.device, self.dtype)
        if size is None:
            schedule, steps = self.plan.gap_schedule, self.plan.steps
            return TrainingData(
                self.task, batch_size, seeds, *place, schedule=schedule, steps=steps
            )
        return TrainingSet(self.task, size, batch_size, seeds, *place)

    @property
    def finished(self) -> bool:
        """Return whether no replica is left in the stack."""
        return not self.progress

    def run(self) -> Iterator[list[Outcome]]:
        """Train; yield after every step the replicas that left the stack at it."""
        while not self.finished:
            outcomes = self._train_step()
            if self.progress and self._evaluation_is_due():
                outcomes += self._evaluate()
            yield outcomes

    def _draw_parameters(self, cell: Cell) -> None:
        """Draw each replica's parameters on the CPU, so that they depend on the seed alone."""
        shapes = self.stack.shapes
        for row, progress in enumerate(self.progress):
            drawn = {name: torch.zeros(shape) for name, shape in shapes.items()}
            generator = stream(INITIALIZATION, progress.replica.seed)
            initialize(cell, drawn, generator, gap=self.task.span, layers=self.plan.layers)
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
        total, parameters = losses.sum(), self.model.parameters
        leaves = list(parameters.values())  # a cell need not use all: zeros for the others
        gradients = torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)
        flat = self.stack.flatten(dict(zip(parameters, gradients, strict=True)))
        flat, self._norm, clipped = clip(flat, self.plan.clip_norm, self.plan.clip_value)
        self._clipped += clipped
        self.step += 1
        self.optimizer.update(self.stack.buffer, flat, self.step)
        all_finite = math.isfinite(total.item())
        share = (time.perf_counter() - start) / len(self.progress)
        for progress in self.progress:
            progress.seconds += share
        return [] if all_finite else self._leave(~losses.detach().isfinite(), "diverged")

    def _evaluation_is_due(self) -> bool:
        return self.step % self.plan.eval_every == 0 or self.step == self.plan.steps

    def _evaluate(self) -> list[Outcome]:
        losses, accuracies = self._measure(EVALUATION)
        norms = self._norm.tolist()
        for progress, loss, accuracy, norm in zip(
            self.progress, losses, accuracies, norms, strict=True
        ):
            score = self.task.score(loss, accuracy)
            row: Row = {"step": self.step, "loss": loss, "accuracy": accuracy}
            progress.history.append({**row, "score": score, "grad_norm": norm})
        diverged = torch.tensor([not math.isfinite(loss) for loss in losses])
        outcomes = self._leave(diverged, "diverged")
        solved = torch.tensor([self._steps_to_solve(p) is not None for p in self.progress])
        outcomes += self._leave(solved, "solved")
        if self.step == self.plan.steps:
            outcomes += self._leave(torch.ones(len(self.progress)).bool(), "unsolved")
        return outcomes

    def _steps_to_solve(self, progress: ReplicaState) -> int | None:
        return progress.steps_to_solve(self.task.solved_accuracy)

    def _leave(self, leaving: Tensor, status: str) -> list[Outcome]:
        """Measure the leaving replicas on the test stream and take them out of the stack."""
        if not bool(leaving.any()):
            return []
        rows = leaving.nonzero().flatten()
        chance = (math.nan, self.task.chance.accuracy)
        measured = [chance] * len(rows)
        if status != "diverged":
            measured = list(zip(*self._measure(TEST, rows.to(self.device)), strict=True))
        outcomes = [
            self._outcome(row, status, *numbers)
            for row, numbers in zip(rows.tolist(), measured, strict=True)
        ]
        self._keep((~leaving).nonzero().flatten())
        return outcomes

    def _outcome(self, row: int, status: str, loss: float, accuracy: float) -> Outcome:
        if not math.isfinite(loss):
            status, loss, accuracy = "diverged", math.nan, self.task.chance.accuracy
        progress = self.progress[row]
        return Outcome(
            progress=progress,
            status=status,
            steps=self.step,
            clipped_steps=int(self._clipped[row]),
            steps_to_solve=self._steps_to_solve(progress) if status == "solved" else None,
            loss=loss,
            accuracy=accuracy,
            score=0.0 if status == "diverged" else self.task.score(loss, accuracy),
            parameters={k: v.detach() for k, v in self.model.state_dict(row).items()},
        )

    def drop(self, rates: Sequence[float | None]) -> list[Outcome]:
        """Measure the replicas with one of these learning rates and take them out of the stack."""
        return self._leave(torch.tensor([p.replica.lr in rates for p in self.progress]), "dropped")

    def keep_only(self, replicas: Sequence[Replica]) -> None:
        """Drop the replicas that are not among these."""
        wanted = [row for row, p in enumerate(self.progress) if p.replica in replicas]
        self._keep(torch.tensor(wanted, dtype=torch.int64))

    def _keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers, exactly as they are."""
        self.progress = [self.progress[row] for row in rows.tolist()]
        on_device = rows.to(self.device)
        self.stack.buffer = self.stack.buffer.index_select(0, on_device)
        self.optimizer.keep(on_device)
        self.data.keep(on_device)
        self._norm = self._norm.index_select(0, on_device)
        self._clipped = self._clipped.index_select(0, on_device)
        self._renew_views()

    def _measure(self, kind: int, rows: Tensor | None = None) -> tuple[list[float], list[float]]:
        """Return loss and accuracy of each replica (or of some) on a fixed stream."""
        parameters = self.model.parameters
        if rows is not None:
            parameters = {k: v.index_select(0, rows) for k, v in parameters.items()}
        model = SequenceModel(self.model.cell, parameters, self.plan.engine, self.plan.layers)
        return evaluate(model, self.task, kind, self.plan.eval_size)

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors from which training goes on exactly, by name."""
        own = {"parameters": self.stack.buffer, "clipped": self._clipped}
        return own | self.optimizer.state

    def state(self) -> dict[str, Any]:
        """Return the rest of what is needed to go on, as plain values."""
        replicas = [
            {"replica": list(p.replica), "history": p.history, "seconds": p.seconds}
            for p in self.progress
        ]
        return {"step": self.step, "replicas": replicas}

    def fits(self, tensors: Mapping[str, Tensor]) -> bool:
        """Return whether saved tensors have the names, shapes and types of this trainer's own."""
        own = {name: (tensor.shape, tensor.dtype) for name, tensor in self.tensors().items()}
        return own == {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Go on from a saved state of these same replicas, in this order."""
        self.step = state["step"]
        self.progress = [
            ReplicaState(Replica(*saved["replica"]), list(saved["history"]), saved["seconds"])
            for saved in state["replicas"]
        ]
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self.stack.buffer, self._clipped = moved.pop("parameters"), moved.pop("clipped")
        self.optimizer.state = moved
        self._renew_views()
