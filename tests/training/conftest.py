"""Small trainings that the tests of this folder share."""

from dataclasses import replace

import pytest

from rnnbench.cells import GRU
from rnnbench.experiment.condition import Replica
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.recipe import Recipe
from rnnbench.training.trainer import Trainer

RECIPE = Recipe(hidden_size=16, steps=12, batch_size=8, clip_norm=1.0, eval_every=5, eval_size=64)


@pytest.fixture
def train():
    """Train to the end; `between(trainer)` is called after every step. Outcomes by replica."""

    def run(replicas, *, task=None, cell=None, between=None, **settings):
        recipe = replace(RECIPE, **settings)
        task = DelayedRecall(gap=6) if task is None else task
        cell = GRU() if cell is None else cell
        trainer = Trainer(task, cell, recipe, [Replica(*r) for r in replicas])
        outcomes = {}
        for left in trainer.run():
            outcomes |= {outcome.state.replica: outcome for outcome in left}
            if between is not None:
                between(trainer)
        return outcomes

    return run


def _numbers(outcome):
    return (outcome.status, outcome.steps, outcome.loss, outcome.accuracy, outcome.state.history)


@pytest.fixture
def assert_same():
    """Assert that two outcomes have bitwise the same parameters and numbers."""

    def check(first, second):
        assert _numbers(first) == _numbers(second)
        for name, tensor in first.parameters.items():
            # As bytes: what has diverged is not a number, which equals nothing.
            own, other = (x.numpy().tobytes() for x in (tensor, second.parameters[name]))
            assert own == other, name

    return check
