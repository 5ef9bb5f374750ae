"""Cells can be made as large as an LSTM, by units, parameters or state."""

import pytest

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.cells.transformer import Transformer
from rnnbench.layers import Layers
from rnnbench.model import count_parameters, count_state, matched_size
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall

ONE = Layers()


def sizes_of(sweeps_of, *words):
    (sweep,) = sweeps_of(*words, "cell=rnn,lstm,gru", "output_dir=out", "name=out")
    return {c.cell["name"]: c.model["hidden_size"] for c, _ in sweep.jobs}


def test_counts_are_those_of_torch_modules():
    from torch import nn

    for kind, cell in ((nn.RNN, RNN()), (nn.GRU, GRU()), (nn.LSTM, LSTM())):
        module = kind(10, 7, num_layers=2, bidirectional=True)
        expected = sum(p.numel() for p in module.parameters()) + 14 * 8 + 8
        layers = Layers(2, True)
        assert count_parameters(Copying(gap=20), cell, layers, 7) == expected
        assert count_state(Copying(gap=20), cell, layers, 7) == 7 * 4 * len(cell.states)


@pytest.mark.parametrize(("gap", "levels"), [(1, 1), (15, 4), (16, 4), (30, 4), (31, 5)])
def test_a_tree_keeps_the_states_that_wait_for_a_sibling(gap, levels):
    task, tree = DelayedRecall(gap=gap), Layers(wiring="balanced")
    assert count_state(task, LSTM(), tree, 7) == levels * 7 * 2
    assert matched_size("state", 32, task, GRU(), LSTM(), tree) == 64


def test_hidden_leaves_the_size_alone(sweeps_of):
    assert set(sizes_of(sweeps_of, "model.hidden_size=33").values()) == {33}


def test_state_gives_each_cell_as_many_numbers_to_carry(sweeps_of):
    sizes = sizes_of(sweeps_of, "model.match=state", "model.hidden_size=32")
    assert sizes == {"rnn": 64, "lstm": 32, "gru": 64}


@pytest.mark.parametrize("task", [Copying(gap=20), Adding(gap=20)])
@pytest.mark.parametrize("cell", [RNN(), GRU()])
@pytest.mark.parametrize("hidden_size", [1, 2, 64, 200])
def test_parameters_come_as_near_as_any_size_could(task, cell, hidden_size):
    size = matched_size("parameters", hidden_size, task, cell, LSTM(), ONE)
    wanted = count_parameters(task, LSTM(), ONE, hidden_size)
    off = {
        s: abs(count_parameters(task, cell, ONE, s) - wanted) for s in range(1, 4 * hidden_size + 8)
    }
    assert off[size] == min(off.values())


@pytest.mark.parametrize("match", ["parameters", "state"])
def test_a_cell_that_cannot_have_every_size_gets_the_nearest_that_it_can(match):
    cell, task = Transformer(depth=4, heads=6), Copying(gap=20)
    count = count_parameters if match == "parameters" else count_state
    wanted = count(task, LSTM(), ONE, 64)
    off = {size: abs(count(task, cell, ONE, size) - wanted) for size in range(6, 200, 6)}
    assert matched_size(match, 64, task, cell, LSTM(), ONE) == min(off, key=off.get)


def test_an_lstm_is_matched_to_itself(sweeps_of):
    assert sizes_of(sweeps_of, "model.match=parameters")["lstm"] == 64


def test_a_matched_run_is_the_run_at_that_size(sweeps_of):
    """It is found again, and never trained twice, whichever way its size was said."""

    def identity(*words):
        (sweep,) = sweeps_of("cell=gru", *words)
        ((condition, _),) = sweep.jobs
        return condition.condition_id

    matched = identity("model.match=state", "model.hidden_size=32")
    assert matched == identity("model.hidden_size=64")
