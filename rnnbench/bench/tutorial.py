"""The yardstick: the training loop of every tutorial, nothing of the suite in it but its data."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from rnnbench.bench.problem import RATE, MarkedSum, Shape
from rnnbench.training.data import TrainingData

MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Model(nn.Module):
    """A recurrent layer, and a linear one on its last output."""

    def __init__(self, cell: str, hidden: int) -> None:
        super().__init__()
        self.rnn = MODULES[cell](MarkedSum.input_size, hidden)
        self.readout = nn.Linear(hidden, MarkedSum.output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.readout(self.rnn(inputs)[0][-1:])
        return outputs


def train(cell: str, shape: Shape, device: str) -> Iterator[None]:
    """Train one run for ever, with torch's fused Adam; yield after every step."""
    task = MarkedSum(shape.length)
    model = Model(cell, shape.hidden).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    data = TrainingData(task, shape.batch, [0], torch.device(device), torch.float32)
    step = 0
    while True:
        inputs, targets = (each[0] for each in data.batch(step))
        optimizer.zero_grad()
        task.loss(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        yield
