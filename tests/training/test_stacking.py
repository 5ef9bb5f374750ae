"""A replica's numbers are bitwise the same alone and in any stack."""

from dataclasses import replace

import pytest
import torch

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.experiment.condition import Replica
from rnnbench.layers import Layers
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.recipe import Recipe
from rnnbench.training.trainer import Trainer

STACK = [(0, 1e-3), (1, 3e-3), (2, 1e-2), (0, 3e-3), (5, 1e-3)]
TASKS = {"copy": Copying(gap=4, num_symbols=3), "adding": Adding(gap=7)}
CELLS = {"rnn": RNN(), "lstm": LSTM(), "gru": GRU()}


@pytest.mark.parametrize("batch_size", [pytest.param(8, marks=pytest.mark.long), 7, 1])
@pytest.mark.parametrize("hidden_size", [64, 33, 5])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("task", TASKS)
def test_alone_and_stacked(train, assert_same, task, cell, hidden_size, batch_size):
    settings = {"hidden_size": hidden_size, "batch_size": batch_size}
    settings |= {"task": TASKS[task], "cell": CELLS[cell]}
    stacked = train(STACK, **settings)
    for replica in (STACK[1], STACK[4]):
        assert_same(stacked[Replica(*replica)], train([replica], **settings)[Replica(*replica)])


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("cell", CELLS)
def test_with_layers_and_directions(train, assert_same, cell, engine):
    settings = {"cell": CELLS[cell], "hidden_size": 33, "batch_size": 7, "engine": engine}
    settings |= {"layers": Layers(2, bidirectional=True)}
    stacked = train(STACK, **settings)
    for replica in (STACK[1], STACK[4]):
        assert_same(stacked[Replica(*replica)], train([replica], **settings)[Replica(*replica)])


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gap", [7, 10])
def test_over_a_balanced_tree(train, assert_same, gap, cell, engine):
    settings = {"cell": CELLS[cell], "hidden_size": 33, "batch_size": 7, "engine": engine}
    settings |= {"layers": Layers(wiring="balanced"), "task": Adding(gap=gap)}
    stacked = train(STACK, **settings)
    for replica in (STACK[1], STACK[4]):
        assert_same(stacked[Replica(*replica)], train([replica], **settings)[Replica(*replica)])


VARIED = [
    {"optimizer": "rmsprop", "clip_value": 0.05},
    {"optimizer": "sgd", "clip_norm": None, "train_set_size": 20},
    {"clip_value": 0.01, "train_set_size": 9},
]


@pytest.mark.parametrize("settings", VARIED, ids=lambda settings: " ".join(settings))
@pytest.mark.parametrize("hidden_size", [33, 5])
def test_with_the_trainer_s_options(train, assert_same, settings, hidden_size):
    settings = {"hidden_size": hidden_size, "task": TASKS["adding"], **settings}
    stacked = train(STACK, **settings)
    for replica in (STACK[1], STACK[4]):
        assert_same(stacked[Replica(*replica)], train([replica], **settings)[Replica(*replica)])


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("schedule", ["uniform", "growing"])
def test_where_the_gap_of_training_varies(train, assert_same, schedule, engine):
    """Over three blocks of steps, each at a gap of its own."""
    settings = {"gap_schedule": schedule, "steps": 40, "engine": engine, "hidden_size": 33}
    stacked = train(STACK, **settings)
    for replica in (STACK[1], STACK[4]):
        assert_same(stacked[Replica(*replica)], train([replica], **settings)[Replica(*replica)])
    fixed = train([STACK[1]], **settings | {"gap_schedule": "fixed"})[Replica(*STACK[1])]
    assert fixed.loss != stacked[Replica(*STACK[1])].loss


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("cell", CELLS)
def test_when_others_leave_half_way(train, assert_same, cell, engine):
    def send_home(trainer):
        if trainer.step == 7:
            trainer._keep([2, 4])

    settings = {"cell": CELLS[cell], "hidden_size": 33, "engine": engine}
    left = train(STACK, between=send_home, **settings)
    assert set(left) == {Replica(*STACK[2]), Replica(*STACK[4])}
    for replica, outcome in left.items():
        assert_same(outcome, train([replica], **settings)[replica])


def test_a_neighbour_that_diverges_does_no_harm(train, assert_same):
    outcomes = train(
        [(0, 1e-3), (1, 1e38), (2, 1e-3)],
        task=TASKS["adding"],
        cell=RNN(nonlinearity="relu"),
        clip_norm=None,
    )
    assert outcomes[Replica(1, 1e38)].status == "diverged"
    alone = train([(2, 1e-3)], task=TASKS["adding"], cell=RNN(nonlinearity="relu"), clip_norm=None)
    assert_same(outcomes[Replica(2, 1e-3)], alone[Replica(2, 1e-3)])


@pytest.mark.parametrize("step", [3, 5, 11])
@pytest.mark.parametrize("cell", CELLS)
def test_after_a_resume(train, assert_same, cell, step):
    resume(train, assert_same, CELLS[cell], step, {})


@pytest.mark.parametrize("step", [3, 11])
@pytest.mark.parametrize("settings", VARIED, ids=lambda settings: " ".join(settings))
def test_after_a_resume_with_the_trainer_s_options(train, assert_same, settings, step):
    resume(train, assert_same, GRU(), step, settings)


def resume(train, assert_same, cell, step, settings):
    whole = train(STACK, cell=cell, **settings)
    recipe = replace(Recipe(16, 12, 8, 1.0, 5, 64), **settings)
    replicas = [Replica(*replica) for replica in STACK]
    task = DelayedRecall(gap=6)
    first = Trainer(task, cell, recipe, replicas)
    for _ in first.run():
        if first.step == step:
            break
    tensors = {name: tensor.clone() for name, tensor in first.tensors().items()}
    second = Trainer(task, cell, recipe, replicas)
    assert second.fits(tensors)
    second.restore(tensors, first.state())
    for outcomes in second.run():
        for outcome in outcomes:
            assert_same(outcome, whole[outcome.state.replica])
    assert second.finished


def test_a_state_fits_its_own_optimizer_alone():
    recipe = Recipe(16, 12, 8, 1.0, 5, 64)
    own = {
        name: Trainer(TASKS["adding"], RNN(), replace(recipe, optimizer=name), [Replica(0, 1e-3)])
        for name in ("adam", "rmsprop", "sgd")
    }
    fits = {(a, b) for a in own for b in own if own[a].fits(own[b].tensors())}
    assert fits == {(name, name) for name in own}


def test_rates_and_seeds_make_a_difference(train):
    outcomes = train(STACK)
    finals = {tuple(o.parameters["rnn.weight_hh_l0"].flatten().tolist()) for o in outcomes.values()}
    assert len(finals) == len(STACK)
    assert torch.is_tensor(outcomes[Replica(0, 1e-3)].parameters["readout.bias"])
