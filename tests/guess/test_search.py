"""Guessing solves what is easy and nothing else, and its numbers are those of its best network."""

import math
import threading

import pytest
import torch

from rnnbench.guess import search as module
from rnnbench.guess.search import draw, search
from rnnbench.model import SequenceModel, model_shapes
from rnnbench.training import evaluation
from rnnbench.training.evaluation import evaluate
from rnnbench.training.streams import EVALUATION, TEST


def shapes_of(condition, units):
    task = condition.build_task()
    return model_shapes(condition.build_cell(), task.input_size, units, task.output_size)


def alone(condition, number, units, kind):
    """Measure one guess on its own, on the whole stream."""
    parameters, _ = draw(shapes_of(condition, units), [number])
    model = SequenceModel(condition.build_cell(), parameters)
    task = condition.build_task()
    (loss,), (accuracy,) = evaluate(model, task, kind, condition.trainer["eval_size"])
    return loss, accuracy


def test_an_easy_task_is_solved_by_guessing(condition, guess):
    row = guess(condition(gap=1), 300)
    assert row["solved"] > 3
    assert (row["evaluation_accuracy"], row["accuracy"], row["score"]) == (1, 1, 1)
    assert 1 <= row["first_solved"] <= row["best_guess"]


COIN = """
import torch
from rnnbench.task import Batch
from rnnbench.tasks.delayed_recall import DelayedRecall

class Coin(DelayedRecall):
    def sample(self, batch_size, generator):
        inputs, targets = super().sample(batch_size, generator)
        shape = targets.shape
        return Batch(inputs, torch.randint(self.alphabet_size, shape, generator=generator))
"""


def test_what_no_memory_can_answer_stays_at_chance(condition, guess, tmp_path, monkeypatch):
    """The best of 300 is above chance where it was chosen, and at chance on the test stream."""
    (tmp_path / "coin.py").write_text(COIN)
    monkeypatch.syspath_prepend(tmp_path)
    row = guess(condition(_target_="coin.Coin", gap=9, distractors="noise"), 300)
    error = math.sqrt(0.25 / 600)
    assert row["evaluation_accuracy"] > 0.5 + error
    assert abs(row["accuracy"] - 0.5) < 3 * error
    assert row["solved"] == 0
    assert math.isnan(row["first_solved"])


def test_a_hard_task_is_not_solved(condition, guess):
    """Ten symbols of eight over 40 steps: a unit may latch on to one of them, which is little."""
    hard = condition()
    task = {"_target_": "tasks.copying.Copying", "name": "copy", "gap": 40}
    row = guess(type(hard)(**hard.settings | {"task": task}), 300)
    assert (row["solved"], row["chance_accuracy"]) == (0, 0.125)
    assert row["score"] < 0.1


def test_the_best_and_all_that_solve_are_those_of_a_search_without_shortcuts(condition, guess):
    easy = condition(gap=2, alphabet_size=2)
    row = guess(easy, 60)
    sizes = (1, 4, 8)
    found = [alone(easy, n, sizes[n % 3], EVALUATION) for n in range(60)]
    solving = [n for n, (_, accuracy) in enumerate(found) if accuracy >= 0.99]
    assert (row["solved"], row["first_solved"]) == (len(solving), solving[0] + 1)
    best = max(range(60), key=lambda n: (found[n][1], -n))
    assert row["best_guess"] == best + 1
    assert row["best_hidden_size"] == sizes[best % 3]
    assert (row["loss"], row["accuracy"]) == alone(easy, best, sizes[best % 3], TEST)


def test_none_that_solves_is_missed_however_few_go_on(condition, guess, monkeypatch):
    whole = guess(condition(gap=1), 300)
    monkeypatch.setattr(module, "FINALISTS", 1)
    row = guess(condition(gap=1), 300)
    assert (row["solved"], row["first_solved"]) == (whole["solved"], whole["first_solved"])
    assert row["solved"] > 1


def test_only_the_best_is_ever_shown_the_test_stream(condition, guess, monkeypatch):
    shown = []

    def spy(model, task, kind, size):
        shown.append((kind, len(next(iter(model.parameters.values()))), size))
        return evaluate(model, task, kind, size)

    monkeypatch.setattr(module, "evaluate", spy)
    guess(condition(gap=30), 90)
    assert [call for call in shown if call[0] == TEST] == [(TEST, 1, 600)]
    assert sum(count for kind, count, size in shown if (kind, size) == (EVALUATION, 64)) == 90
    assert sum(count for kind, count, size in shown if (kind, size) == (EVALUATION, 600)) == 32


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_the_same_guesses_give_the_same_row_however_they_are_stacked(
    condition, guess, monkeypatch, engine
):
    cell = condition("rnnbench.cells.GRU", gap=3)
    first = guess(cell, 45, engine)
    assert guess(cell, 45, engine) == first
    monkeypatch.setattr(evaluation, "MOST_NUMBERS", 1)
    assert guess(cell, 45, engine) == first


def test_more_guesses_begin_with_the_same_ones(condition, guess):
    few, many = (guess(condition(gap=1), number) for number in (150, 300))
    assert many["first_solved"] == few["first_solved"]
    assert many["solved"] > few["solved"]


def test_weights_are_uniform_and_their_bound_is_log_uniform(condition):
    shapes = shapes_of(condition(), 40)
    drawn, scales = draw(shapes, range(400))
    parameters = {name: tensor.detach() for name, tensor in drawn.items()}
    logs = torch.tensor(scales).log10()
    assert -1 <= logs.min() < -0.95 and 1.95 < logs.max() <= 2
    assert abs(logs.mean() - 0.5) < 4 * 3 / math.sqrt(12 * 400)
    for name, tensor in parameters.items():
        shares = tensor.flatten(1) / torch.tensor(scales)[:, None]
        assert shares.abs().max() <= 1, name
        if name != "readout.bias":
            assert abs(shares.square().mean() - 1 / 3) < 0.02, name
    assert len({float(row) for row in parameters["readout.bias"][:, 0]}) == 400


def test_a_network_that_blows_up_remembers_nothing(condition, guess, monkeypatch):
    def blown_up(model, task, kind, size):
        losses, accuracies = evaluate(model, task, kind, size)
        return [math.nan] * len(losses), [1.0] * len(accuracies)

    monkeypatch.setattr(module, "evaluate", blown_up)
    row = guess(condition(), 30)
    assert row["solved"] == 0
    assert (row["evaluation_accuracy"], row["evaluation_score"]) == (0.5, 0)
    assert (row["accuracy"], row["score"]) == (0.5, 0)
    assert math.isnan(row["loss"])


def test_a_search_that_is_stopped_has_no_row(condition):
    stop = threading.Event()
    stop.set()
    job = {"search_id": "x", "condition": condition(), "guesses": 9, "engine": "reference"}
    assert search(job, print, stop) == []
