"""A step reads what differs from the device, and a GPU's pace changes no number.

A GPU is looked at once a block, its data are drawn ahead by threads, and who has left a stack stays
in its rows for a while. All of this is tried on a CPU here.
"""

import math
from dataclasses import replace

import pytest
import torch

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.limits import STEPS_PER_BLOCK
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.recipe import PACES, Recipe
from rnnbench.training.trainer import Trainer

RECIPE = Recipe(hidden_size=16, steps=40, batch_size=8, clip_norm=1.0, eval_every=18, eval_size=64)
STACK = [(0, 1e-3), (1, 3e-3), (0, 1e-2), (5, 1e-3)]
DIVERGING = [(0, 1e-3), (0, 3.0), (1, 3.0), (2, 1.0), (3, 1e-3), (4, 1e-2), (5, 1e-3)]
EASY = DelayedRecall(gap=2, alphabet_size=2, distractors="blank")
CONDITIONS = {
    "diverging": (
        DIVERGING,
        {
            "task": Adding(gap=7),
            "cell": RNN(nonlinearity="relu"),
            "optimizer": "sgd",
            "clip_norm": None,
        },
    ),
    "infinite losses": (
        [(0, 1e-3), (1, 1e38), (2, 1e10), (3, 1e-3), (4, 1e-3)],
        {"task": Adding(gap=7), "cell": RNN(nonlinearity="relu"), "engine": "compiled"},
    ),
    "solved": (
        [(0, 1e-2), (1, 1e-3), (2, 1e-3), (3, 1e-3), (4, 3e-4)],
        {"task": EASY, "steps": 200, "eval_every": 10},
    ),
    "training set": (STACK, {"task": Adding(gap=7), "train_set_size": 20, "clip_value": 0.02}),
    "schedule": (
        STACK,
        {
            "task": Copying(gap=20, num_symbols=4),
            "cell": LSTM(),
            "gap_schedule": "uniform",
            "optimizer": "rmsprop",
            "steps": 70,
        },
    ),
}


@pytest.fixture
def at_the_pace_of_a_gpu(monkeypatch):
    """Return what makes the trainers that come after it step as on a GPU."""
    return lambda: monkeypatch.setitem(PACES, "cpu", PACES["cuda"])


@pytest.mark.parametrize("name", CONDITIONS)
def test_at_a_gpu_s_pace_all_numbers_are_the_same(train, assert_same, at_the_pace_of_a_gpu, name):
    replicas, settings = CONDITIONS[name]
    settings = {"steps": 40, "eval_every": 18, **settings}
    expected = train(replicas, **settings)
    at_the_pace_of_a_gpu()
    rows = []
    found = train(
        replicas,
        **settings,
        between=lambda trainer: rows.append((len(trainer.rows), len(trainer.stack.buffer))),
    )
    assert found.keys() == expected.keys()
    for replica, outcome in found.items():
        assert_same(outcome, expected[replica])
        assert outcome.clipped_steps == expected[replica].clipped_steps
        assert outcome.steps_to_solve == expected[replica].steps_to_solve
    if name in ("diverging", "infinite losses"):
        lost = {o.steps for o in found.values() if o.status == "diverged"}
        assert lost
        assert not any(steps % STEPS_PER_BLOCK == 0 for steps in lost), "none within a block"
    if name == "solved":
        assert any(0 < active < whole for active, whole in rows), "none left without a cut"
        assert any(0 < whole < len(replicas) for _, whole in rows), "the stack was never cut"


def test_a_loss_that_is_infinite_only_once_is_found_all_the_same(
    train, assert_same, at_the_pace_of_a_gpu
):
    """In the second block of steps; the replica's weights are finite, and so are later losses."""

    class Once(Adding):
        calls = 0

        def loss(self, outputs, targets):
            self.calls += 1
            losses = super().loss(outputs, targets)
            return losses + torch.tensor([0, math.inf, 0, 0]) if self.calls == 21 else losses

    settings = {"steps": 40, "eval_every": 40}
    expected = train(STACK, task=Once(gap=6), **settings)
    at_the_pace_of_a_gpu()
    found = train(STACK, task=Once(gap=6), **settings)
    lost = found[Replica(*STACK[1])]
    assert (lost.status, lost.steps) == ("diverged", 21)
    assert all(tensor.isfinite().all() for tensor in lost.parameters.values())
    for replica, outcome in found.items():
        assert_same(outcome, expected[replica])


def test_who_has_left_is_in_no_checkpoint(at_the_pace_of_a_gpu):
    kept = [Replica(*replica) for replica in (STACK[0], STACK[2], STACK[3])]

    def saved():
        replicas = [Replica(*replica) for replica in STACK]
        trainer = Trainer(DelayedRecall(gap=6), GRU(), RECIPE, replicas)
        training = trainer.run()
        while trainer.step < STEPS_PER_BLOCK:
            next(training)
        trainer._keep([0, 2, 3])
        return trainer, trainer.tensors(), trainer.state()["replicas"]

    _, expected, states = saved()
    at_the_pace_of_a_gpu()
    trainer, found, own = saved()
    assert len(trainer.stack.buffer) == 4
    assert [state["replica"] for state in own] == [state["replica"] for state in states]
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    again = Trainer(DelayedRecall(gap=6), GRU(), RECIPE, kept)
    assert again.fits(found)


@pytest.mark.parametrize(
    "settings",
    [{}, {"train_set_size": 20}, {"gap_schedule": "growing"}, {"gap_schedule": "uniform"}],
    ids=str,
)
def test_memory_stays_where_it_is(settings):
    """A graph reads and writes the addresses that it was captured with."""
    task = Copying(gap=12, num_symbols=4)
    recipe = replace(RECIPE, steps=200, eval_every=200, clip_value=0.01, **settings)
    trainer = Trainer(task, LSTM(), recipe, [Replica(*replica) for replica in STACK])
    step, places, forms = trainer.training, set(), set()
    for number in range(160):
        step.take(number)
        lasting = [step.losses, step.norms, step.clipped, step.idle, step._position]
        lasting += [step._corrections, step.data._first, trainer.stack.buffer]
        lasting += [*trainer.optimizer.state.values(), *trainer.model.parameters.values()]
        places.add(tuple(tensor.data_ptr() for tensor in lasting))
        forms.add(step.data.form)
    assert len(places) == 1
    assert len({tuple(address for address, _ in form) for form in forms}) == 1
    # One for each length that was trained on: with a schedule, most of 5 to 12.
    assert len(forms) > 4 if "gap_schedule" in settings else len(forms) == 1


def test_a_step_does_not_depend_on_the_numbers_of_python():
    """The body alone, as a graph repeats it, goes through a block as the trainer does."""
    replicas = [Replica(*replica) for replica in STACK]
    one, two = (Trainer(DelayedRecall(gap=6), LSTM(), RECIPE, replicas) for _ in range(2))
    for number in range(STEPS_PER_BLOCK):
        one.training.take(number)
    two.training._start(0, 0)
    for _ in range(STEPS_PER_BLOCK):
        two.training._body()
    assert torch.equal(one.stack.buffer, two.stack.buffer)
    assert torch.equal(one.training.clipped, two.training.clipped)


@pytest.mark.parametrize("number", [0, 15, 16, 40])
def test_the_optimizer_is_told_the_number_of_its_step(number):
    trainer = Trainer(DelayedRecall(gap=6), RNN(), RECIPE, [Replica(0, 1e-3)])
    seen, change = [], trainer.optimizer.change
    trainer.optimizer.change = lambda gradient, numbers: (
        seen.append(numbers) or change(gradient, numbers)
    )
    for step in range(number // 3, number + 1):  # as after a checkpoint
        trainer.training.take(step)
    expected = trainer.optimizer.corrections(number + 1)
    assert torch.equal(seen[-1][:, 0], torch.tensor(expected))


def test_a_loss_of_any_type_is_kept_exactly(train):
    class Exact(Adding):
        def loss(self, outputs, targets):
            return super().loss(outputs.double(), targets.double())

    (outcome,) = train([(0, 1e-3)], task=Exact(gap=6)).values()
    losses = [row["train_loss"] for row in outcome.state.history]
    assert any(loss != torch.tensor(loss).float().item() for loss in losses)
