"""Cells compute their equations, and start where they are said to start."""

import math

import pytest
import torch

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, MGU, RNN, CoRNN
from rnnbench.training.streams import INITIALIZATION, stream

HIDDEN, INPUT = 64, 3


def drawn(cell, *, seed=0, gap=20, hidden=HIDDEN):
    parameters = {name: torch.zeros(s) for name, s in cell.shapes(INPUT, hidden).items()}
    cell.initialize(parameters, stream(INITIALIZATION, seed), gap=gap)
    return parameters


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def numbers(*values):
    return [torch.tensor(v, dtype=torch.float64) for v in values]


def test_rnn_equation():
    assert RNN().update(*numbers(0.3, 9.0)).item() == pytest.approx(math.tanh(0.3), abs=1e-15)
    assert RNN(nonlinearity="relu").update(*numbers(-0.3, 9.0)).item() == 0
    assert RNN(nonlinearity="relu").update(*numbers(0.3, 9.0)).item() == 0.3


def test_lstm_equation():
    i, f, g, o, h, c = 0.1, -0.7, 0.4, 1.1, 0.9, -0.6
    cell_state = sigmoid(f) * c + sigmoid(i) * math.tanh(g)
    new_h, new_c = LSTM().update(*numbers(i, f, g, o, h, c))
    assert new_c.item() == pytest.approx(cell_state, abs=1e-15)
    assert new_h.item() == pytest.approx(sigmoid(o) * math.tanh(cell_state), abs=1e-15)


def test_gru_equation():
    r, z, n_x, n_h, h = 0.1, -0.7, 0.4, 1.1, 0.9
    candidate = math.tanh(n_x + sigmoid(r) * n_h)
    expected = (1 - sigmoid(z)) * candidate + sigmoid(z) * h
    assert GRU().update(*numbers(r, z, n_x, n_h, h)).item() == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("cell", "ones"),
    [
        (LSTM, lambda b: LSTM().update(*numbers(-50, b, 0, 0, 0, 1.0))[1]),
        (GRU, lambda b: GRU().update(*numbers(0, b, 0, 0, 1.0))),
    ],
)
def test_keep_gate_wide_open_keeps_the_old_state(cell, ones):
    assert ones(50.0).item() == pytest.approx(1.0, abs=1e-12)
    assert ones(-50.0).item() == pytest.approx(0.0, abs=1e-12)
    assert cell.keep_gate in cell.gates


def test_default_keep_bias_is_one_for_both_gated_cells():
    assert LSTM().keep_bias == GRU().keep_bias == 1.0


@pytest.mark.parametrize("cell", [RNN(), LSTM(keep_bias=0.0), GRU(keep_bias=0.0)])
def test_default_initialisation_has_the_distribution_of_torch(cell):
    bound = 1 / math.sqrt(256)
    for name, tensor in drawn(cell, hidden=256).items():
        assert tensor.abs().max() <= bound
        assert tensor.abs().max() > 0.97 * bound, name
        standard_error = bound / math.sqrt(3 * tensor.numel())
        assert abs(tensor.mean()) < 4 * standard_error, name
        assert tensor.std() == pytest.approx(bound / math.sqrt(3), rel=0.1), name


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_orthogonal_recurrent_matrices_per_gate(cell):
    parameters = drawn(cell(init="orthogonal"))
    for block in parameters["weight_hh_l0"].split(HIDDEN):
        torch.testing.assert_close(block @ block.T, torch.eye(HIDDEN), atol=1e-5, rtol=0)
    assert torch.equal(parameters["weight_ih_l0"], drawn(cell())["weight_ih_l0"])


def test_all_that_a_gate_gets_from_states_and_values_starts_orthogonal():
    for cell, name in ((MGU, "weight_fh_l0"), (CoRNN, "weight_z_l0")):
        matrix = drawn(cell(init="orthogonal"))[name]
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(HIDDEN), atol=1e-5, rtol=0)


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_glorot_bounds_each_gate_s_matrices_by_their_own_fans(cell):
    made = cell(init="glorot")
    parameters = drawn(made, hidden=128)
    for name, bound in (
        ("weight_ih_l0", math.sqrt(6 / (parameters["weight_ih_l0"].shape[-1] + 128))),
        ("weight_hh_l0", math.sqrt(6 / 256)),
    ):
        assert 0.97 * bound < parameters[name].abs().max() <= bound
        assert parameters[name].std() == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert not parameters["bias_ih_l0"].any()
    kept = 128 * made.keep_bias
    assert parameters["bias_hh_l0"].sum() == kept
    if made.keep_gate is not None:
        assert (made.bias_of(made.keep_gate, parameters["bias_hh_l0"], "h") == 1.0).all()


def test_chrono_spreads_the_keep_bias_over_the_gap():
    gap = 50
    for cell in (LSTM(init="chrono"), GRU(init="chrono")):
        parameters = drawn(cell, gap=gap, hidden=256)
        bias = cell.bias_of(cell.keep_gate, parameters["bias_hh_l0"], "h")
        times = bias.exp()
        assert times.min() >= 1
        assert times.max() <= gap - 1
        assert times.mean() == pytest.approx((1 + gap - 1) / 2, rel=0.15)
        assert not cell.bias_of(cell.keep_gate, parameters["bias_ih_l0"], "x").any()
    lstm = LSTM(init="chrono")
    parameters = drawn(lstm, gap=gap)
    torch.testing.assert_close(
        lstm.bias_of("i", parameters["bias_hh_l0"], "h"),
        -lstm.bias_of("f", parameters["bias_hh_l0"], "h"),
    )


class FedByInput(Cell):
    gates = {"z": "x", "n": "xh"}
    keep_gate = "z"

    def update(self, z, n, h):
        return torch.sigmoid(z) * h + n


def test_starts_of_a_keep_gate_that_the_input_alone_feeds():
    cell = FedByInput(keep_bias=2.0)
    plain, helped = (drawn(each)["bias_ih_l0"] for each in (FedByInput(), cell))
    assert torch.equal(cell.bias_of("z", helped, "x"), cell.bias_of("z", plain, "x") + 2)
    assert torch.equal(cell.bias_of("n", helped, "x"), cell.bias_of("n", plain, "x"))
    times = cell.start_bias("z", drawn(FedByInput(init="chrono"), gap=50)).exp()
    assert 1 <= times.min() < times.max() <= 49


def test_identity_of_le_et_al():
    parameters = drawn(RNN(init="identity"))
    assert torch.equal(parameters["weight_hh_l0"], torch.eye(HIDDEN))
    assert parameters["weight_ih_l0"].std() == pytest.approx(0.001, rel=0.2)
    assert not (parameters["bias_ih_l0"].any() or parameters["bias_hh_l0"].any())


def test_chrono_of_the_shortest_gap_is_finite():
    assert all(t.isfinite().all() for t in drawn(LSTM(init="chrono"), gap=1).values())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RNN(nonlinearity="elu"), "nonlinearity must be tanh or relu, got elu"),
        (
            lambda: LSTM(init="zero"),
            "init must be one of torch, glorot, orthogonal, identity, chrono, got zero",
        ),
        (
            lambda: GRU(init="published"),
            "init must be one of torch, glorot, orthogonal, identity, chrono, got published",
        ),
        (
            lambda: RNN(init="chrono"),
            "init must be one of torch, glorot, orthogonal, identity, got chrono",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
