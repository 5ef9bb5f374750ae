"""A cell over a tree: a comb is the chain, a balanced tree what it is by hand in plain torch."""

import math

import pytest
import torch
from torch import nn

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.engine import get_engine
from rnnbench.layers import Layers, balanced, run_tree
from rnnbench.model import SequenceModel, initialize, model_shapes
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall

from .grammar import Selective, TwoStates

R, B, F, H = 2, 3, 4, 7
TREE = Layers(wiring="balanced")
ENGINES = ["reference", "compiled", "torch"]
CELLS = {"rnn": (RNN(), nn.RNNCell), "lstm": (LSTM(), nn.LSTMCell), "gru": (GRU(), nn.GRUCell)}
SHAPES = {
    1: 0,
    2: (0, 1),
    3: ((0, 1), 2),
    4: ((0, 1), (2, 3)),
    5: (((0, 1), 2), (3, 4)),
    7: (((0, 1), (2, 3)), ((4, 5), 6)),
    8: (((0, 1), (2, 3)), ((4, 5), (6, 7))),
}


def drawn(shapes, replicas=R):
    return {
        name: (torch.randn(replicas, *shape, dtype=torch.float64) * 0.4).requires_grad_()
        for name, shape in shapes.items()
    }


def tree_of(cell, engine="reference", inputs=F, outputs=5):
    parameters = drawn(model_shapes(cell, inputs, H, outputs, TREE))
    return SequenceModel(cell, parameters, engine, TREE)


# Sizes at which a product rounds alike whether it has the rows of one time step or of all.
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CELLS)
def test_a_comb_is_the_chain_bit_for_bit(name, engine):
    cell, steps, batch, size = CELLS[name][0], 9, 16, 32
    torch.manual_seed(0)
    own = {key: torch.randn(R, *shape) / 5 for key, shape in cell.shapes(size, size).items()}

    def run(inputs, states, last=None):
        return get_engine(engine)(cell, own, inputs, states, last)

    leaves = torch.randn(R, steps, batch, size)
    output, states = run_tree(run, leaves, [1] * (steps - 1))
    each = [run(leaf[:, None], None) for leaf in leaves.unbind(1)]
    seen = torch.cat([found for found, _ in each], 1)
    chain, finals = run(seen[:, 1:], each[0][1], 1)
    assert torch.equal(output, chain)
    assert all(map(torch.equal, states, finals))
    bent, _ = run_tree(run, leaves, balanced(steps))
    assert not torch.allclose(output, bent)


def climb(shape, leaves, cell):
    """Return output and states of a node, given as its leaf's number or as its two children."""
    if isinstance(shape, int):
        new = cell(leaves[shape])
    else:
        (_, left), (right, _) = (climb(child, leaves, cell) for child in shape)
        new = cell(right, left)
    return (new[0] if isinstance(new, tuple) else new), new


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("steps", SHAPES)
def test_a_balanced_tree_is_what_it_is_by_hand(steps, name, engine):
    cell, kind = CELLS[name]
    torch.manual_seed(0)
    model = tree_of(cell, engine)
    inputs = torch.randn(R, steps, B, F, dtype=torch.float64).requires_grad_()
    outputs, finals = model(inputs, last=1)
    assert outputs.shape == (R, 1, B, 5)
    assert [final.shape for final in finals] == [(R, 1, B, H)] * len(cell.states)
    leaves = [inputs, *model.parameters.values()]
    found = torch.autograd.grad(outputs.square().sum(), leaves)
    for r in range(R):
        own = {k: v[r].detach().requires_grad_() for k, v in model.parameters.items()}
        module = kind(H, H, dtype=torch.float64)
        names = {f"rnn.{key}_l0": tensor for key, tensor in module.named_parameters()}
        for key, tensor in names.items():
            tensor.data.copy_(own[key])
        x = inputs[r].detach().requires_grad_()
        embedded = x @ own["block.embed_weight"].T + own["block.embed_bias"]
        root, states = climb(SHAPES[steps], embedded, module)
        expected = root @ own["readout.weight"].T + own["readout.bias"]
        torch.testing.assert_close(outputs[r, 0], expected)
        states = states if isinstance(states, tuple) else (states,)
        torch.testing.assert_close([final[r, 0] for final in finals], list(states))
        used = [x, *(names.get(key, tensor) for key, tensor in own.items())]
        gradients = torch.autograd.grad(expected.square().sum(), used, materialize_grads=True)
        torch.testing.assert_close([each[r] for each in found], list(gradients))


def depths(steps):
    """Return how many merges are between each leaf and the root."""

    def add(inputs, states):
        known = inputs[:, 0] if states is None else inputs[:, 0] + states[0] + 1
        new = torch.where(inputs[:, 0] + (0 if states is None else states[0]) > 0, known, 0)
        return new[:, None], (new,)

    root, _ = run_tree(add, torch.eye(steps)[None, :, None], balanced(steps))
    return (root.flatten() - 1).int().tolist()


@pytest.mark.parametrize("steps", range(1, 40))
def test_path_lengths_are_log2_and_differ_by_at_most_one(steps):
    found = depths(steps)
    assert len(found) == steps and found == sorted(found, reverse=True)
    assert found[0] == math.ceil(math.log2(steps)) and found[-1] == math.floor(math.log2(steps))
    assert len(balanced(steps)) == found[0]


@pytest.mark.parametrize("cell", [Selective(), TwoStates()], ids=["two outputs", "two states"])
def test_cells_of_one_s_own_run_on_a_tree(cell):
    torch.manual_seed(0)
    model = tree_of(cell)
    width = H * len(cell.output_names)
    assert model.parameters["block.embed_weight"].shape == (R, width, F)
    inputs = torch.randn(R, 6, B, F, dtype=torch.float64)
    compiled = SequenceModel(cell, model.parameters, "compiled", TREE)
    torch.testing.assert_close(compiled(inputs), model(inputs))


def test_its_parameters_are_those_of_a_chain_and_an_embedding():
    chain = model_shapes(LSTM(), F, H, 5)
    tree = model_shapes(LSTM(), F, H, 5, TREE)
    assert tree.keys() - chain.keys() == {"block.embed_weight", "block.embed_bias"}
    assert tree["rnn.weight_ih_l0"] == (4 * H, H) and chain["rnn.weight_ih_l0"] == (4 * H, F)
    parameters = {name: torch.full(shape, torch.nan) for name, shape in tree.items()}
    initialize(LSTM(), parameters, torch.Generator().manual_seed(0), gap=10, layers=TREE)
    for name in ("embed_weight", "embed_bias"):
        assert 0.2 < parameters[f"block.{name}"].abs().max() <= F**-0.5


def test_it_tells_what_it_is_and_cannot_go_on_from_states():
    model = tree_of(GRU())
    assert "5 outputs, layers 1 on a balanced tree," in repr(model)
    inputs = torch.randn(R, 4, B, F, dtype=torch.float64)
    _, states = model(inputs)
    with pytest.raises(ValueError, match="wiring must be chain to go on from states, got balanced"):
        model(inputs, states)


def test_what_has_no_root_is_refused():
    with pytest.raises(ValueError, match="chain for a task with 10 answers, got balanced"):
        TREE.check(Copying(gap=20), GRU())
    TREE.check(DelayedRecall(gap=20), GRU())
    Layers(2, True, "residual", 3).check(Copying(gap=20), GRU())
