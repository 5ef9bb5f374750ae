"""What is timed: whole training steps of the adding task, whose data cost next to nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.condition import Replica
from rnnbench.task import Batch, Chance, RegressionTask
from rnnbench.trainer import Trainer
from rnnbench.training_plan import Plan

CELLS: dict[str, type[Cell]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
RATE = 1e-3


@dataclass(frozen=True)
class Shape:
    """One size of problem.

    Attributes:
        hidden: hidden units, H.
        batch: sequences per replica and step, B.
        length: time steps, T.
        replicas: replicas trained side by side, R.
    """

    hidden: int
    batch: int
    length: int
    replicas: int = 1

    def __str__(self) -> str:
        text = f"H{self.hidden} B{self.batch} T{self.length}"
        return text if self.replicas == 1 else f"{text} R{self.replicas}"


SHAPES = (Shape(128, 32, 200), Shape(64, 64, 200), Shape(32, 32, 20, 16))


class MarkedSum(RegressionTask):
    """Adding (see tasks.adding), in as few operations as it can be drawn."""

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
    """Return a trainer that can be stepped for ever and never evaluates."""
    forever = 2**23
    plan = Plan(
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
    return Trainer(MarkedSum(shape.length), CELLS[cell](), plan, replicas)


def flops(cell: str, shape: Shape) -> float:
    """Return the floating point operations of a training step's matrix products.

    Forward, and backward to states and weights, of the recurrent and the input product; the
    inputs need no gradient.
    """
    kind = CELLS[cell]()
    rows_h = len(kind.fed_by("h")) * shape.hidden
    rows_x = len(kind.fed_by("x")) * shape.hidden
    per_sequence = 3 * 2 * rows_h * shape.hidden + 2 * 2 * rows_x * MarkedSum.input_size
    return float(per_sequence * shape.batch * shape.length * shape.replicas)
