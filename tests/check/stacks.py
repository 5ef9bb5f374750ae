"""Compare replicas alone and stacked, in check's settings: `python -m tests.check.stacks [FLAGS]`.

With flags of the C++ compiler (`-` for none) kernels that are built with these are compared.
"""

import sys

import torch
from torch import sigmoid, tanh

from rnnbench import Batch, Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.check import Subject
from rnnbench.check.engines import HIDDEN, check_stacking, settings
from rnnbench.engine.compiled import build, kernel
from rnnbench.experiment.condition import Replica
from rnnbench.task import Chance, RegressionTask
from rnnbench.training.evaluation import evaluate
from rnnbench.training.machine import prepare_process
from rnnbench.training.recipe import Recipe
from rnnbench.training.streams import EVALUATION
from rnnbench.training.trainer import Trainer

STACK = [Replica(0, 1e-2), Replica(1, 3e-2), Replica(2, 1e-2)]
STEPS, SEQUENCES = 6, 19


class Noise(RegressionTask):
    """Noise of any number of features; the sum of the first ones is asked for."""

    tolerance = 0.1

    def __init__(self, gap=4, features=1):
        self.gap, self.input_size, self.output_size, self.answer_length = gap, features, 1, 2
        self.sequence_length = gap + 3
        self.chance = Chance(loss=float(features), accuracy=0.05)

    def sample(self, batch_size, generator):
        x = torch.randn(self.sequence_length, batch_size, self.input_size, generator=generator)
        return Batch(x, x[:2].sum(-1))

    def dependencies(self):
        return torch.tensor([[0, self.gap + 1], [1, self.gap + 2]])


class TwoProducts(Cell):
    """A cell by a step of its own."""

    def shapes(self, input_size, hidden_size):
        square = (hidden_size, hidden_size)
        return {
            "weight_ih_l0": (hidden_size, input_size),
            "weight_hh_l0": square,
            "inner_l0": square,
        }

    def step(self, parameters, inputs, states):
        inner = tanh(torch.bmm(states[0], parameters["inner_l0"]))
        from_x = torch.bmm(inputs, parameters["weight_ih_l0"].transpose(1, 2))
        return (sigmoid(from_x + torch.bmm(inner, parameters["weight_hh_l0"])),)


CELLS = {"rnn": RNN(), "lstm": LSTM(), "gru": GRU(), "step": TwoProducts()}
ENGINES = {"step": ["reference"]}


def train(setting, cell, engine, replicas):
    """Train a few steps; return all weights `(R, P)`, and what an evaluation gives."""
    recipe = Recipe(
        hidden_size=setting.hidden,
        steps=STEPS + 1,
        batch_size=setting.batch,
        clip_norm=1.0,
        eval_every=STEPS + 1,
        eval_size=SEQUENCES,
        engine=engine,
        dtype=str(setting.dtype)[6:],
        layers=setting.layers,
    )
    trainer = Trainer(Noise(features=setting.features), cell, recipe, replicas)
    for _ in trainer.run():
        if trainer.step == STEPS:
            break
    losses, _ = evaluate(trainer.model, trainer.task, EVALUATION, SEQUENCES)
    return trainer.stack.buffer, losses


def differing(name, engine):
    """Return in which of some settings a training alone is not bitwise that in a stack."""
    found = []
    for setting in [*settings([*HIDDEN])][::3]:
        whole, losses = train(setting, CELLS[name], engine, STACK)
        for row in (0, 2):
            alone, (loss,) = train(setting, CELLS[name], engine, STACK[row : row + 1])
            if not torch.equal(alone[0], whole[row]) or loss != losses[row]:
                found.append(f"{name}, {engine}, {setting}, replica {row}")
    return found


def main(flags):
    """Check this machine's own kernels and the reference engine; with flags, other kernels."""
    prepare_process()
    if flags:
        own = tuple(flag for flag in flags if flag != "-")
        kernel.load = lambda text: build.load(text, own)
        found = [line for name in ("rnn", "lstm", "gru") for line in differing(name, "compiled")]
    else:
        for cell in CELLS.values():
            check_stacking(Subject(type(cell), {}, HIDDEN[0]))
        found = [line for name in ("lstm", "step") for line in differing(name, "reference")]
    print("\n".join(found) or "bitwise the same")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
