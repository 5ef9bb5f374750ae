"""Say what the bench compares: engines (columns) and sizes (shapes), all on one task."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch
from torch import Generator, Tensor, nn

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.experiment.condition import Replica
from rnnbench.task import Batch, Chance, RegressionTask
from rnnbench.training.data import TrainingData
from rnnbench.training.recipe import Recipe
from rnnbench.training.trainer import Trainer

CELLS: dict[str, type[Cell]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
RATE = 1e-3


@dataclass(frozen=True)
class Column:
    """Say which engine a column of the table times, and in what kind of process.

    Attributes:
        engine: torch.nn (the tutorial's loop), jax scan, jax vmap, or an engine of the suite.
        tuned: whether the process is set up as the suite sets up its own (machine.py).
        threads: per process; with more than one, a single process has all cores.
        stacked: whether a step trains all replicas of the shape, rather than one.
    """

    name: str
    engine: str
    tuned: bool = False
    threads: int = 1
    stacked: bool = False


STOCK = (Column("nn 1 thread", "torch.nn"), Column("nn 2 threads", "torch.nn", threads=2))
MALLOPT = Column("nn mallopt", "torch.nn", tuned=True)
REFERENCE = Column("reference", "reference", tuned=True, stacked=True)
COMPILED = Column("compiled", "compiled", tuned=True, stacked=True)
JAX = (Column("jax scan", "jax scan"), Column("jax vmap", "jax vmap", stacked=True))


def has_jax() -> bool:
    """Return whether JAX, the extra `bench`, is installed, without importing it."""
    return importlib.util.find_spec("jax") is not None


def columns(device: str) -> tuple[Column, ...]:
    """Return the columns that can be timed on a device."""
    if device == "cuda":
        return (STOCK[0], REFERENCE)
    return (*STOCK, MALLOPT, REFERENCE, COMPILED, *(JAX if has_jax() else ()))


@dataclass(frozen=True)
class Shape:
    """Give hidden units H, batch B, time steps T and replicas R of a training step."""

    hidden: int
    batch: int
    length: int
    replicas: int = 1

    def __str__(self) -> str:
        text = f"H{self.hidden} B{self.batch} T{self.length}"
        return text if self.replicas == 1 else f"{text} R{self.replicas}"


SHAPES = (Shape(128, 32, 200), Shape(64, 64, 200), Shape(32, 32, 20, 16))


class MarkedSum(RegressionTask):
    """Draw sequences of the adding task (see tasks.adding) in as few operations as possible."""

    tolerance = 0.1
    input_size, output_size, answer_length = 2, 1, 1
    chance, load_bits = Chance(1 / 6, 0.19), math.nan

    def __init__(self, length: int) -> None:
        self.gap, self.sequence_length = length - 1, length

    def sample(self, batch_size: int, generator: Generator) -> Batch:
        values = torch.rand(self.sequence_length, batch_size, generator=generator)
        marks = torch.zeros_like(values)
        marks[0] = 1.0
        place = torch.randint(1, self.gap, (1, batch_size), generator=generator)
        marks.scatter_(0, place, 1.0)
        return Batch(torch.stack([values, marks], -1), (values * marks).sum(0, keepdim=True))

    def dependencies(self) -> Tensor:
        return torch.tensor([[0, self.gap]])


def make_trainer(cell: str, shape: Shape, engine: str, device: str = "cpu") -> Trainer:
    """Return the suite's trainer; it can be stepped for ever and never evaluates."""
    forever = 2**23
    recipe = Recipe(
        hidden_size=shape.hidden,
        steps=forever,
        batch_size=shape.batch,
        clip_norm=1.0,
        eval_every=forever,
        eval_size=1,
        engine=engine,
        device=device,
    )
    replicas = [Replica(seed, RATE) for seed in range(shape.replicas)]
    return Trainer(MarkedSum(shape.length), CELLS[cell](), recipe, replicas)


class TutorialModel(nn.Module):
    """A recurrent layer, and a linear one on its last output."""

    def __init__(self, cell: str, hidden: int) -> None:
        super().__init__()
        self.rnn = MODULES[cell](MarkedSum.input_size, hidden)
        self.readout = nn.Linear(hidden, MarkedSum.output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.readout(self.rnn(inputs)[0][-1:])
        return outputs


def train_as_tutorials_do(cell: str, shape: Shape, device: str) -> Iterator[None]:
    """Train one run for ever with torch.nn and fused Adam; yield after every step.

    Only the data come from the suite: this is what the engines are compared to.
    """
    task = MarkedSum(shape.length)
    model = TutorialModel(cell, shape.hidden).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    data = TrainingData(task, shape.batch, [0], torch.device(device), torch.float32)
    for step in count():
        inputs, targets = (each[0] for each in data.batch(step))
        optimizer.zero_grad()
        task.loss(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield


def flops(cell: str, shape: Shape) -> float:
    """Count the floating point operations of a training step's matrix products.

    These are the recurrent and the input product, forward and backward to states and weights;
    inputs need no gradient.
    """
    kind = CELLS[cell]()
    rows_h = len(kind.gates_fed_by("h")) * shape.hidden
    rows_x = len(kind.gates_fed_by("x")) * shape.hidden
    per_sequence = 3 * 2 * rows_h * shape.hidden + 2 * 2 * rows_x * MarkedSum.input_size
    return float(per_sequence * shape.batch * shape.length * shape.replicas)
