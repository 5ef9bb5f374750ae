"""Cells that are as they should be pass: the suite's own, and users' of every kind."""

from itertools import combinations, product
from pathlib import Path

import pytest
import torch
import yaml
from torch import relu, sigmoid, tanh

from rnnbench import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.cells.sequence import SequenceCell
from rnnbench.check.engines import BATCHES, DTYPES, FEATURES, HIDDEN, NETWORKS, settings
from rnnbench.check.run import CHECKS
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import arguments_of
from tests.check.stacks import TwoProducts

YAMLS = sorted((Path(__file__).parents[2] / "conf" / "cell").glob("*.yaml"))
OPTIONS = {
    "rnn relu orthogonal": (RNN, {"nonlinearity": "relu", "init": "orthogonal"}),
    "lstm chrono": (LSTM, {"init": "chrono"}),
    "gru without keep bias": (GRU, {"keep_bias": 0.0}),
}


class MinimalGatedUnit(Cell):
    gates = {"f": "xh", "n_x": "x", "n_h": "h"}
    keep_gate = "f"

    def update(self, f, n_x, n_h, h):
        return sigmoid(f) * h + (1 - sigmoid(f)) * tanh(n_x + n_h)


class PeepholeLSTM(Cell):
    gates = {"i": "xh", "f": "xh", "g": "xh", "o": "xh"}
    states = ("h", "c")
    vectors = ("p_i", "p_f", "p_o")
    keep_gate, input_gate = "f", "i"

    def update(self, i, f, g, o, h, c, p_i, p_f, p_o):
        c_new = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
        return sigmoid(o + p_o * c_new) * tanh(c_new), c_new


class IndRNN(Cell):
    """No matrix on the hidden state: one number per unit."""

    gates = {"a": "x"}
    vectors = ("u",)

    def update(self, a, h, u):
        return relu(a + u * h)


class FastGRNN(Cell):
    """Both gates share their matrices, and all units two numbers; the hidden state has no bias."""

    gates = {"z": "xh", "n": "xh"}
    vectors = ("zeta", "nu")
    keep_gate = "z"

    def shapes(self, input_size, hidden_size):
        shapes = super().shapes(input_size, hidden_size)
        del shapes["bias_hh_l0"]
        shared = {"weight_ih_l0": (hidden_size, input_size), "zeta_l0": (1,), "nu_l0": (1,)}
        return {**shapes, **shared, "weight_hh_l0": (hidden_size, hidden_size)}

    def derive(self, parameters):
        w, u, bias = (parameters[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih"))
        scalars = {name: parameters[name].expand(len(u)) for name in ("zeta_l0", "nu_l0")}
        matrices = {"weight_ih_l0": torch.cat([w, w]), "weight_hh_l0": torch.cat([u, u])}
        return {**matrices, **scalars, "bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}

    def update(self, z, n, h, zeta, nu):
        z = sigmoid(z)
        return (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * tanh(n) + z * h


def from_yaml(path):
    section = yaml.safe_load(path.read_text())
    return find_class(section["_target_"], Cell, "cell"), arguments_of(section)


# One every time, and one of each other kind in `make slow`.
ALWAYS, OFTEN = {"gru"}, {"rnn", "s6", "orthogonal"}
SHIPPED = [pytest.param(*own, id=name, marks=pytest.mark.long) for name, own in OPTIONS.items()]
for path in YAMLS:
    known = path.stem in ALWAYS
    mark = [] if known else [pytest.mark.slow if path.stem in OFTEN else pytest.mark.long]
    SHIPPED.append(pytest.param(*from_yaml(path), id=f"yaml {path.stem}", marks=mark))
WHOLE = {"purity", "stepping", "compiled", "endurance"}  # of a time step, which these do not have


@pytest.mark.parametrize(("kind", "arguments"), SHIPPED)
def test_shipped_cells_pass_every_check(outcomes, kind, arguments):
    whole = issubclass(kind, SequenceCell)
    found = outcomes(kind, arguments, hidden_size=32 if whole else 33)
    assert list(found) == list(CHECKS)
    left_out = {name for name, outcome in found.items() if outcome.result == "not applicable"}
    assert left_out == (WHOLE if whole else set()), found
    assert {found[name].result for name in found.keys() - left_out} == {"pass"}, found


@pytest.mark.parametrize(
    "kind",
    [
        MinimalGatedUnit,
        *(pytest.param(kind, marks=pytest.mark.long) for kind in (PeepholeLSTM, IndRNN, FastGRNN)),
    ],
)
def test_users_cells_pass_every_check(outcomes, kind):
    found = outcomes(kind)
    assert {outcome.result for outcome in found.values()} == {"pass"}, found


def test_a_cell_with_a_step_of_its_own_passes_all_but_the_kernel(outcomes):
    found = outcomes(TwoProducts)
    compiled = found.pop("compiled")
    assert compiled.result == "not applicable"
    assert compiled.text.startswith("engine must be reference for a cell without gates")
    assert {outcome.result for outcome in found.values()} == {"pass"}, found


def test_without_a_compiler_the_kernel_is_left_out_with_the_reason(outcomes, no_compiler):
    compiled = outcomes(GRU)["compiled"]
    assert compiled.result == "not applicable"
    assert "without a C++ compiler" in compiled.text


@pytest.mark.parametrize("size", [1, pytest.param(5, marks=pytest.mark.long)])
@pytest.mark.long
def test_any_size_can_be_checked(outcomes, size):
    found = outcomes(LSTM, hidden_size=size)
    failed = [name for name, outcome in found.items() if outcome.result == "fail"]
    assert failed in ([], ["learning"])  # one unit may be too few to recall with


@pytest.mark.long
def test_figures_are_measured(outcomes):
    found = outcomes(LSTM, hidden_size=32)
    assert found["size"].value == 4 * 32 * (5 + 1) + 4 * 32 * (32 + 1)
    assert "64 values of state" in found["size"].text
    assert 0 < found["gradient"].value < 1e-6
    assert 0 < found["compiled"].value < 1e-12
    assert 0.1 < found["endurance"].value < 10
    assert found["learning"].value > 0.9
    assert found["learning"].text.endswith("it must reach 0.44 (chance 0.25)")


@pytest.mark.parametrize("hidden_sizes", [HIDDEN, (20, *HIDDEN)], ids=str)
def test_stacking_meets_each_pair_of_settings(hidden_sizes):
    layers, directions = (1, 2), (1, 2)
    values = (FEATURES, BATCHES, hidden_sizes, layers, directions, DTYPES)
    shown = [
        (s.features, s.batch, s.hidden, s.layers.num_layers, s.layers.directions, s.dtype)
        for s in settings([*hidden_sizes])
    ]
    assert len(NETWORKS) == 4
    for a, b in combinations(range(len(values)), 2):
        assert {(each[a], each[b]) for each in shown} == set(product(values[a], values[b]))


class EvenUnits(Cell):
    """Units in pairs: with an odd hidden size its step fails."""

    def shapes(self, input_size, hidden_size):
        return {
            "weight_ih_l0": (hidden_size, input_size),
            "weight_hh_l0": (hidden_size // 2, 2, hidden_size),
        }

    def step(self, parameters, inputs, states):
        from_x = torch.bmm(inputs, parameters["weight_ih_l0"].transpose(1, 2))
        weight = parameters["weight_hh_l0"].flatten(1, 2)
        return (tanh(from_x + torch.bmm(states[0], weight.transpose(1, 2))),)


def test_hidden_sizes_that_a_cell_cannot_have_are_left_out_of_stacking(outcomes):
    found = outcomes(EvenUnits)["stacking"]
    assert found.result == "pass"
    assert found.text.endswith("in 24 settings of reference")
