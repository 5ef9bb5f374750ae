"""Gate activations are found in a cell's arithmetic and are what the cell itself uses."""

import math

import pytest
import torch

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.diagnose.measures import measure_network, oldest_answer
from rnnbench.diagnose.network import SigmoidGates, Unrolled
from rnnbench.layers import Layers
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.trainer import initial_parameters

SIZE = 4


class Peephole(Cell):
    """A forget gate that also looks at the state, and an output that mixes two gates."""

    gates = {"f": "xh", "g": "xh", "a": "x"}
    states = ("h",)
    vectors = ("p",)
    keep_gate = "f"

    def update(self, f, g, a, h, p):
        return torch.sigmoid(f + p * h) * h + torch.sigmoid(g + a)


class Impossible(Cell):
    gates = {"a": "xh"}
    states = ("h",)

    def update(self, a, h):
        return a if a.sum() > 0 else h


def test_which_gates_are_squashed_by_a_sigmoid():
    assert sorted(SigmoidGates(LSTM()).names) == ["f", "i", "o"]
    assert sorted(SigmoidGates(GRU()).names) == ["r", "z"]
    assert SigmoidGates(RNN()).names == ()


def test_a_peephole_counts_and_a_mixture_of_two_gates_does_not():
    gates = SigmoidGates(Peephole())
    assert gates.names == ("f",)
    f, g, a, h, p = torch.randn(5, 3, SIZE)
    assert torch.equal(gates(f, g, a, h, p)["f"], torch.sigmoid(f + p * h))


def test_an_update_that_cannot_be_traced_is_said():
    with pytest.raises(ValueError, match="^update must be tensor operations"):
        SigmoidGates(Impossible())


def lstm(biases, layers=None):
    """Return an LSTM of zero weights, whose gates are what its biases say."""
    task, layers = DelayedRecall(gap=5), layers or Layers()
    drawn = initial_parameters(task, LSTM(keep_bias=0.0), layers, SIZE, seed=0)
    parameters = {name: torch.zeros_like(tensor).double() for name, tensor in drawn.items()}
    for layer in range(layers.num_layers):
        bias = parameters[f"rnn.bias_hh_l{layer}"].view(4, SIZE)
        for row, gate in enumerate("ifgo"):
            bias[row] = torch.as_tensor(biases.get(gate, 0.0))
    cell = LSTM()
    return task, Unrolled(cell, parameters, layers, SigmoidGates(cell))


def measured(task, network):
    batch = task.sample(64, torch.Generator().manual_seed(0))
    batch = batch._replace(inputs=batch.inputs.double())
    return measure_network(network, task, batch, oldest_answer(task), "f")


def test_gates_of_an_lstm_set_by_hand():
    found = measured(*lstm({"f": math.log(3), "i": -40.0, "o": 40.0}))["gates"]
    for gate, value in {"f": 0.75, "i": 0.0, "o": 1.0}.items():
        for statistic in ("mean", "q10", "q50", "q90", "max"):
            assert found[gate][statistic] == pytest.approx([value] * 6, abs=1e-12)


def test_quantiles_are_over_units():
    units = torch.tensor([0.1, 0.2, 0.3, 0.9]).logit()
    found = measured(*lstm({"f": units}))["gates"]["f"]
    assert found["mean"][2] == pytest.approx(0.375, abs=1e-4)
    assert found["q50"][2] == pytest.approx(0.25, abs=1e-4)
    assert found["q90"][2] == pytest.approx(0.3 + 0.7 * 0.6, abs=1e-4)
    assert found["max"][2] == pytest.approx(0.9, abs=1e-4)


def test_the_half_life_of_a_gate_by_hand():
    """A gate at 3/4 keeps half for ln 2 / ln(4/3) = 2.409 time steps."""
    for layers in (Layers(), Layers(2)):
        life = measured(*lstm({"f": math.log(3)}, layers))["half_life"]
        assert life == pytest.approx(dict.fromkeys(("q10", "q50", "q90", "max"), 2.409), abs=1e-3)


def test_gates_are_those_that_make_the_next_state():
    """From the recorded gates and states alone, GRU's equations give the next state."""
    task, cell = DelayedRecall(gap=5), GRU()
    drawn = initial_parameters(task, cell, Layers(), SIZE, seed=1)
    parameters = {name: tensor.double() for name, tensor in drawn.items()}
    network = Unrolled(cell, parameters, Layers(), SigmoidGates(cell))
    inputs = task.sample(3, torch.Generator().manual_seed(0)).inputs.double()
    w, u, b, c = (parameters[f"rnn.{name}"][0] for name in cell.shapes(1, 1))
    before = torch.zeros(3, SIZE).double()
    for x, moment in zip(inputs, network.run(inputs)):
        h, z, r = moment.states[0][0], moment.gates["z"][0], moment.gates["r"][0]
        rows = slice(2 * SIZE, None)
        n = torch.tanh(x @ w[rows].T + b[rows] + r * (before @ u[rows].T + c[rows]))
        torch.testing.assert_close(h, n + z * (before - n))
        before = h.detach()
