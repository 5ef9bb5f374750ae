"""Gradients with respect to past states are those of calculus, through all that follows."""

import copy

import pytest
import torch

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.diagnose.measures import TOTAL, Answer, gradient_norms, oldest_answer
from rnnbench.diagnose.network import Unrolled
from rnnbench.layers import Layers
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.trainer import initial_parameters

SIZE = 5


class Linear(Cell):
    """h' = W x + U h: its Jacobian is U at every time step."""

    gates = {"a": "xh"}
    states = ("h",)

    def update(self, a, h):
        return a


class ReadBeside(Linear):
    """The same, read from a value that is no state."""

    outputs = ("y",)

    def update(self, a, h):
        return a, 1.0 * a


class Stepped(Cell):
    """A plain network that gives a step instead of gates, with a second state, a sum."""

    states = ("h", "s")

    def shapes(self, input_size, hidden_size):
        return {
            "weight_ih_l0": (hidden_size, input_size),
            "weight_hh_l0": (hidden_size, hidden_size),
        }

    def initialize(self, parameters, generator, *, gap):
        for tensor in parameters.values():
            tensor.uniform_(-0.4, 0.4, generator=generator)

    def step(self, parameters, inputs, states):
        h, s = states
        fed = inputs @ parameters["weight_ih_l0"].mT + h @ parameters["weight_hh_l0"].mT
        s = 0.9 * s + fed
        return torch.tanh(s), s


def build(cell, task, layers=None):
    layers = layers or Layers()
    drawn = initial_parameters(task, cell, layers, SIZE, seed=3)
    return Unrolled(cell, {k: v.double() for k, v in drawn.items()}, layers)


def draw(task, size=3):
    batch = task.sample(size, torch.Generator().manual_seed(0))
    targets = batch.targets
    exact = targets.double() if targets.is_floating_point() else targets
    return batch._replace(inputs=batch.inputs.double(), targets=exact)


@pytest.mark.parametrize("cell", [Linear(), ReadBeside()], ids=["state", "beside"])
def test_a_linear_scalar_recurrence_by_hand(cell):
    """h_t = x_t + u h_{t-1}, read as v h + b: dL/dh at lag k is 2 (v h + b - y) v u^k."""
    task, u, v, b = Adding(gap=6), -0.5, 3.0, 0.25
    values = {"weight_ih_l0": [[1.0, 0.0]], "weight_hh_l0": [[u]], "bias_ih_l0": [0.0]}
    values["bias_hh_l0"] = [0.0]
    parameters = {f"rnn.{name}": torch.tensor([x]).double() for name, x in values.items()}
    parameters["readout.weight"] = torch.tensor([[[v]]]).double()
    parameters["readout.bias"] = torch.tensor([[b]]).double()
    batch = draw(task, size=200)  # more than are taken at once
    norms = gradient_norms(Unrolled(cell, parameters, Layers()), task, batch, Answer(0, 0, 6))
    lags = torch.arange(6, -1, -1).double()
    h = (batch.inputs[..., 0] * (u**lags)[:, None]).sum(0)
    error = (2 * (v * h + b - batch.targets[0])).abs().mean()
    torch.testing.assert_close(norms[TOTAL], error * v * abs(u) ** lags)
    at_lag_0 = 0.0 if cell.outputs else norms[TOTAL][-1]
    assert norms["h"].tolist() == [*norms[TOTAL][:-1], at_lag_0]


@pytest.mark.parametrize("layers", [Layers(), Layers(2)], ids=["one layer", "two layers"])
@pytest.mark.parametrize("cell", [RNN(), LSTM(), GRU(), Stepped()], ids=lambda c: type(c).__name__)
def test_gradients_are_finite_differences(cell, layers):
    """The loss moves as the gradient says when a state is pushed at one time step."""
    task = DelayedRecall(gap=4, alphabet_size=3)
    network, batch = build(cell, task, layers), draw(task, size=1)
    answer = oldest_answer(task)
    norms = gradient_norms(network, task, batch, answer)

    def loss(time, place, layer, unit, push):
        """Run anew, with one unit of one state pushed after one time step."""
        model = copy.copy(network._model)
        states = None
        for now, x in enumerate(batch.inputs):
            _, states = model(x[None], states)
            if now == time:
                states[place][layer, 0, unit] += push
        output = states[0][-1] @ network.parameters["readout.weight"][0].T
        output = output + network.parameters["readout.bias"][0]
        return task.loss(output[None], batch.targets).item()

    eps = 1e-5
    for time in (0, 2, 4):
        total = 0.0
        for place, name in enumerate(cell.states):
            square = 0.0
            for layer in range(layers.num_layers):
                for unit in range(SIZE):
                    where = (time, place, layer, unit)
                    square += ((loss(*where, eps) - loss(*where, -eps)) / (2 * eps)) ** 2
            assert norms[name][time].item() == pytest.approx(square**0.5, rel=1e-5, abs=1e-10)
            total += square
        assert norms[TOTAL][time].item() == pytest.approx(total**0.5, rel=1e-5)


def test_only_the_output_is_read_so_the_cell_state_has_no_gradient_at_lag_0():
    task = DelayedRecall(gap=3, alphabet_size=3)
    norms = gradient_norms(build(LSTM(), task), task, draw(task), oldest_answer(task))
    assert norms["c"][-1] == 0 and norms["h"][-1] > 0 and norms["c"][-2] > 0


def test_of_several_answers_the_first_that_needs_memory_is_followed():
    assert oldest_answer(Copying(gap=6, num_symbols=3)) == (0, 0, 6)
    assert oldest_answer(Copying(gap=6, num_symbols=3, score_on="all")) == (6, 0, 6)
    assert oldest_answer(Adding(gap=5, layout="half")) == (0, 4, 9)


@pytest.mark.parametrize("score_on", ["answers", "all"])
def test_the_loss_is_that_answers_alone(score_on):
    """Other answers' targets change nothing of it."""
    task = Copying(gap=6, num_symbols=3, score_on=score_on)
    network, batch, answer = build(GRU(), task), draw(task), oldest_answer(task)
    norms = gradient_norms(network, task, batch, answer)
    assert norms["h"].shape == (7,)
    changed = (batch.targets + 1) % 8
    others, own = changed.clone(), batch.targets.clone()
    others[answer.place], own[answer.place] = batch.targets[answer.place], changed[answer.place]
    for targets, same in ((others, True), (own, False)):
        found = gradient_norms(network, task, batch._replace(targets=targets), answer)
        assert torch.equal(found["h"], norms["h"]) is same


def test_a_task_without_memory_is_refused():
    task = DelayedRecall(gap=3)
    task.dependencies = lambda: torch.tensor([[-1, 3]])
    with pytest.raises(ValueError, match="^task must have an answer that needs memory"):
        oldest_answer(task)
