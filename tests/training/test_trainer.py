"""The training loop is that of every tutorial, and whoever is done leaves it."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import nn

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.experiment.condition import Replica
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.tasks.flip_flop import FlipFlop
from rnnbench.tasks.selective import Selective
from rnnbench.tasks.tracking import Tracking
from rnnbench.training.data import TrainingData, TrainingSet, fixed_batches
from rnnbench.training.recipe import Recipe
from rnnbench.training.streams import EVALUATION, TEST
from rnnbench.training.trainer import ReplicaState, Trainer
from tests.tasks.conftest import YAMLS, from_yaml

# As in conftest.py: the fixture trains with these.
RECIPE = Recipe(hidden_size=16, steps=12, batch_size=8, clip_norm=1.0, eval_every=5, eval_size=64)
CPU = torch.device("cpu")


class Tutorial(nn.Module):
    def __init__(self, kind, task, hidden_size):
        super().__init__()
        self.rnn = kind(task.input_size, hidden_size)
        self.readout = nn.Linear(hidden_size, task.output_size)

    def forward(self, x, answers):
        return self.readout(self.rnn(x)[0][-answers:])


def tutorial(kind, cell, task, replica, *, steps, clip_norm):
    """Train one replica with torch.nn and torch.optim, from the suite's initial weights."""
    start = Trainer(task, cell, RECIPE, [replica])
    network = Tutorial(kind, task, RECIPE.hidden_size)
    network.load_state_dict(start.model.state_dict())
    network.double()
    optimizer = torch.optim.Adam(network.parameters(), lr=replica.lr)
    data = TrainingData(task, RECIPE.batch_size, [replica.seed], CPU, torch.float64)
    clipped = 0
    for step in range(steps):
        inputs, targets = (each[0] for each in data.batch(step))
        optimizer.zero_grad()
        task.loss(network(inputs, task.answer_length), targets).backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
        clipped += int(norm > clip_norm)
        optimizer.step()
    return network, float(norm), clipped


@pytest.mark.parametrize(
    ("kind", "cell"),
    [(nn.RNN, RNN()), (nn.LSTM, LSTM()), (nn.GRU, GRU())],
    ids=["rnn", "lstm", "gru"],
)
@pytest.mark.parametrize("task", [DelayedRecall(gap=6), Adding(gap=6)], ids=["recall", "adding"])
@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
def test_trains_as_the_tutorial_does(train, engine, task, kind, cell):
    replica, bound = Replica(3, 3e-3), 0.05
    settings = {"engine": engine, "dtype": "float64", "clip_norm": bound, "task": task}
    outcome = train([(0, 1e-3), replica], cell=cell, **settings)[replica]
    network, norm, clipped = tutorial(
        kind, cell, task, replica, steps=RECIPE.steps, clip_norm=bound
    )
    assert norm > bound, "clipping must matter here"
    assert outcome.clipped_steps == clipped > 0
    assert outcome.state.history[-1]["grad_norm"] == pytest.approx(norm, rel=1e-9)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(outcome.parameters[name], tensor, atol=1e-9, rtol=1e-9)
    losses = {}
    for kind_of_stream in (EVALUATION, TEST):
        (batch,) = fixed_batches(task, 64, kind_of_stream, CPU, torch.float64)
        outputs = network(batch.inputs, task.answer_length)
        losses[kind_of_stream] = float(task.loss(outputs, batch.targets).detach())
        accuracy = float(task.accuracy(outputs, batch.targets))
    assert outcome.state.history[-1]["loss"] == pytest.approx(losses[EVALUATION], rel=1e-9)
    trained = outcome.state.history[-1]["train_loss"]  # before the last update, on other data
    assert 0 < trained != losses[EVALUATION]
    assert (outcome.loss, outcome.accuracy) == pytest.approx((losses[TEST], accuracy), rel=1e-9)
    assert outcome.score == pytest.approx(task.score(losses[TEST], accuracy), rel=1e-9)


@pytest.mark.parametrize(
    ("settings", "peer"),
    [
        ({"optimizer": "sgd", "clip_value": 0.01}, torch.optim.SGD),
        (
            {"optimizer": "rmsprop", "clip_value": 0.01},
            lambda parameters, lr: torch.optim.RMSprop(parameters, lr=lr, alpha=0.9),
        ),
    ],
    ids=["sgd", "rmsprop"],
)
def test_trains_as_the_tutorial_does_with_another_optimizer(train, settings, peer):
    """On a fixed set, each element of the gradient clipped, no norm."""
    task, replica = Adding(gap=6), Replica(3, 3e-3)
    whole = {"dtype": "float64", "clip_norm": None, "train_set_size": 20, **settings}
    outcome = train([replica], cell=GRU(), task=task, **whole)[replica]
    start = Trainer(task, GRU(), RECIPE, [replica])
    network = Tutorial(nn.GRU, task, RECIPE.hidden_size)
    network.load_state_dict(start.model.state_dict())
    network.double()
    optimizer = peer(network.parameters(), lr=replica.lr)
    data = TrainingSet(task, 20, RECIPE.batch_size, [replica.seed], CPU, torch.float64)
    for step in range(RECIPE.steps):
        inputs, targets = (each[0] for each in data.batch(step))
        optimizer.zero_grad()
        task.loss(network(inputs, 1), targets).backward()
        assert max(p.grad.abs().max() for p in network.parameters()) > 0.01
        nn.utils.clip_grad_value_(network.parameters(), 0.01)
        optimizer.step()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(outcome.parameters[name], tensor, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    "task",
    [
        Selective(gap=7, num_symbols=3),
        FlipFlop(gap=5, steps_before=4, ask="random"),
        Tracking(gap=4),
    ],
    ids=["selective", "flip_flop", "tracking"],
)
def test_accuracy_at_each_distance_is_that_of_the_answers_at_it(train, task):
    outcomes = train([(0, 1e-2), (1, 1e-2)], task=task, steps=20)
    for outcome in outcomes.values():
        trained = Trainer(task, GRU(), RECIPE, [Replica(0, 1e-2)]).model
        trained.parameters = {name: value[None] for name, value in outcome.parameters.items()}
        right, asked = Counter(), Counter()
        for batch in fixed_batches(task, 64, TEST, CPU, torch.float32):
            answers = trained(batch.inputs[None], last=task.answer_length)[0][0].argmax(-1)
            ages = task.ages(batch)
            for k in range(task.answer_length):
                for b in range(64):
                    if batch.targets[k, b] >= 0 and ages[k, b] > 0:
                        asked[ages[k, b].item()] += 1
                        right[ages[k, b].item()] += int(answers[k, b] == batch.targets[k, b])
        expected = {str(age): right[age] / asked[age] for age in asked}
        assert outcome.accuracy_by_age == pytest.approx(expected)
        assert list(outcome.accuracy_by_age) == sorted(expected, key=int)
        assert max(expected, key=int) == str(task.gap)


@pytest.mark.parametrize("schedule", ["fixed", "growing"])  # the latter begins at the least gap
@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
def test_every_shipped_task_trains(train, path, schedule):
    settings = {"steps": 2, "eval_size": 8, "gap_schedule": schedule}
    (outcome,) = train([(0, 1e-2)], task=from_yaml(path), **settings).values()
    assert outcome.status == "unsolved"
    assert math.isfinite(outcome.loss)


def test_one_distance_has_no_curve(train):
    (outcome,) = train([(0, 1e-2)], steps=2).values()
    assert outcome.accuracy_by_age is None


def test_chrono_reckons_with_the_longest_distance():
    """Its biases are log U[1, T_max - 1], and the gap is only the least distance here."""
    task = Copying(gap=4, num_symbols=3, longest_gap=1000)
    trainer = Trainer(
        task, LSTM(init="chrono"), replace(RECIPE, hidden_size=64), [Replica(0, 1e-3)]
    )
    bias = trainer.model.parameters["rnn.bias_hh_l0"].detach().abs().max()
    assert math.log(500) < bias < math.log(999)


def test_evaluates_at_intervals_and_always_at_the_end(train):
    (outcome,) = train([(0, 1e-3)], steps=12, eval_every=5).values()
    assert [row["step"] for row in outcome.state.history] == [5, 10, 12]
    assert (outcome.status, outcome.steps, outcome.steps_to_solve) == ("unsolved", 12, None)


def test_a_short_gap_is_learned_and_the_solved_leave_early(train):
    task = DelayedRecall(gap=2, alphabet_size=2, distractors="blank")
    outcome = train([(0, 1e-2)], task=task, steps=1000, eval_every=10)[Replica(0, 1e-2)]
    assert outcome.status == "solved"
    accuracies = [row["accuracy"] for row in outcome.state.history]
    assert all(a >= 0.99 for a in accuracies[-3:])
    assert not any(
        all(a >= 0.99 for a in accuracies[i : i + 3]) for i in range(len(accuracies) - 3)
    )
    assert outcome.steps_to_solve == outcome.state.history[-3]["step"] == outcome.steps - 20
    assert outcome.accuracy > 0.95


@pytest.mark.parametrize(
    ("accuracies", "solved_at"),
    [
        ([0.99, 0.99, 0.99], 10),
        ([0.5, 0.99, 1.0, 0.995], 20),
        ([0.99, 0.99], None),
        ([0.99, 0.99, 0.98, 0.99, 0.99], None),
    ],
)
def test_solved_means_three_evaluations_in_a_row(accuracies, solved_at):
    rows = [{"step": 10 * (i + 1), "accuracy": a} for i, a in enumerate(accuracies)]
    assert ReplicaState(Replica(0, 1e-3), rows).steps_to_solve(0.99) == solved_at


def test_blanks_alone_do_not_solve_copy_where_all_time_steps_are_scored(train):
    task = Copying(gap=1010, score_on="all")
    assert task.chance.accuracy > 0.99
    assert task.chance.accuracy < task.solved_accuracy < 1
    # The same rule as for the answers alone: one in a hundred of them may be wrong.
    assert (task.solved_accuracy * 1020 - 1010) / 10 == pytest.approx(0.99)
    assert Copying(gap=1010).solved_accuracy == Adding(gap=5).solved_accuracy == 0.99
    task = Copying(gap=120, num_symbols=1, alphabet_size=2, score_on="all")
    assert task.chance.accuracy > 0.99
    outcome = train([(0, 1e-1)], task=task, steps=30, eval_every=2)[Replica(0, 1e-1)]
    assert all(row["accuracy"] > 0.99 for row in outcome.state.history[-3:])
    assert outcome.status == "unsolved"


def test_a_diverged_replica_counts_as_remembering_nothing(train):
    task = Adding(gap=7)
    cell = RNN(nonlinearity="relu")
    outcome = train([(0, 1e38)], task=task, cell=cell, clip_norm=None)[Replica(0, 1e38)]
    assert outcome.status == "diverged"
    assert math.isnan(outcome.loss)
    assert (outcome.accuracy, outcome.score) == (task.chance.accuracy, 0.0)
    assert outcome.steps < RECIPE.steps


@pytest.mark.alone
def test_seconds_are_shared_out_and_exclude_evaluation(train):
    outcomes = train([(0, 1e-3), (1, 1e-3)], eval_size=4096, eval_every=1)
    first, second = (outcome.state.seconds for outcome in outcomes.values())
    assert first == second > 0
    alone = train([(0, 1e-3)], eval_size=64, eval_every=100)
    assert first < 5 * next(iter(alone.values())).state.seconds
