"""Train on tensors that claim to be on a GPU; print what of it would wait or copy within a step.

Usage: python steps.py SETUP... ; the ones with a wait or copy planted begin with `planted`.
"""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import torch

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.limits import STEPS_PER_BLOCK
from rnnbench.layers import Layers
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.recipe import Recipe
from rnnbench.training.streams import TEST
from rnnbench.training.trainer import Trainer
from tests.training.fake_cuda.recorder import fake_cuda, load_guard

RECIPE = Recipe(
    hidden_size=33,
    steps=64,
    batch_size=4,
    clip_norm=1.0,
    eval_every=32,
    eval_size=40,
    device="cuda",
)
REPLICAS = [Replica(seed, lr) for seed in (0, 1) for lr in (1e-3, 3e-3)]


class Waiting(Adding):
    def loss(self, outputs, targets):
        return super().loss(outputs, targets) + 0 * outputs.detach().sum().item()


class Moving(Adding):
    def loss(self, outputs, targets):
        mean = targets.mean().to("cpu")
        return super().loss(outputs, targets) + 0 * mean.to(outputs.device)


ADDING = Adding(gap=9)
SETUPS = {
    "fresh": (ADDING, LSTM(), {}),
    "classes": (Copying(gap=12, num_symbols=3), GRU(), {"clip_value": 0.1}),
    "torch": (DelayedRecall(gap=9), RNN(), {"engine": "torch"}),
    "set": (ADDING, GRU(), {"train_set_size": 50}),
    "schedule": (ADDING, GRU(), {"gap_schedule": "uniform"}),
    "layers": (ADDING, LSTM(), {"layers": Layers(2, bidirectional=True)}),
    "rmsprop": (ADDING, RNN(), {"optimizer": "rmsprop", "clip_norm": None}),
    "sgd": (ADDING, RNN(), {"optimizer": "sgd", "clip_value": 1.0, "engine": "torch"}),
    "planted item": (Waiting(gap=9), RNN(), {}),
    "planted to": (Moving(gap=9), RNN(), {}),
}


def steps(task, cell, settings):
    """Go through two blocks, an evaluation, a leaver and a cut; return what was found in steps."""
    with fake_cuda() as seen:
        trainer = Trainer(task, cell, replace(RECIPE, **settings), REPLICAS)
        found, training = set(), trainer.training

        def train(block):
            training._start(block, 0)
            seen.found.clear()
            before = seen.operations
            for _ in range(2):
                training._body()
            found.update(seen.found)
            assert seen.operations > before + 100

        train(0)
        trainer.step = STEPS_PER_BLOCK
        trainer._evaluate()
        trainer._measure(TEST, [1])
        trainer._keep([0, 1, 2])
        assert len(trainer.stack.buffer) == 4
        train(1)
        trainer._keep([0, 1])
        assert len(trainer.stack.buffer) == 2
        train(2)
        saved = {name: tensor.cpu() for name, tensor in trainer.tensors().items()}
        again = Trainer(task, cell, replace(RECIPE, **settings), REPLICAS[:2])
        assert again.fits(saved)
        again.restore(saved, trainer.state())
        assert seen.found, "the recorder must see what is copied between steps"
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    load_guard()
    for name in sys.argv[1:]:
        for line in sorted(steps(*SETUPS[name])):
            print(f"{name}: {line}")
