"""Several layers and directions compute what torch.nn computes, on every engine."""

import pytest
import torch
from torch import nn

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel, initialize, model_shapes

R, T, B, F, H = 2, 9, 3, 4, 7
CELLS = {"rnn": (RNN(), nn.RNN), "lstm": (LSTM(), nn.LSTM), "gru": (GRU(), nn.GRU)}
LAYERS = [Layers(1, True), Layers(2), Layers(3, True)]


def double(*shape, scale=1.0):
    return (torch.randn(*shape, dtype=torch.float64) * scale).requires_grad_()


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


def module_of(kind, layers):
    return kind(F, H, layers.num_layers, bidirectional=layers.bidirectional, dtype=torch.float64)


@pytest.mark.parametrize("layers", LAYERS, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_names_and_shapes_are_those_of_the_state_dict(name, layers):
    cell, kind = CELLS[name]
    state = module_of(kind, layers).state_dict()
    expected = {key: tuple(tensor.shape) for key, tensor in state.items()}
    assert list(layers.shapes(cell, F, H).items()) == list(expected.items())


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("layers", LAYERS, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_outputs_states_and_gradients_agree_with_torch_nn(name, layers, engine):
    cell, kind = CELLS[name]
    torch.manual_seed(0)
    shapes = layers.shapes(cell, F, H).items()
    parameters = {key: double(R, *shape, scale=0.4) for key, shape in shapes}
    inputs = double(R, T, B, F)
    depth = layers.num_layers * layers.directions
    states = tuple(double(R, depth, B, H) for _ in cell.states)
    named = {f"rnn.{key}": tensor for key, tensor in parameters.items()}
    outputs, finals = SequenceModel(cell, named, engine, layers).hidden(inputs, states)
    assert outputs.shape == (R, T, B, H * layers.directions)
    assert {tuple(final.shape) for final in finals} == {(R, depth, B, H)}
    leaves = [*parameters.values(), inputs, *states]
    weights = torch.randn(outputs.shape, dtype=torch.float64)
    total = (outputs * weights).sum() + sum((final**3).sum() for final in finals)
    gradients = torch.autograd.grad(total, leaves)
    for r in range(R):
        network = module_of(kind, layers)
        network.load_state_dict({key: v[r].detach() for key, v in parameters.items()})
        given = tuple(state[r].detach().requires_grad_() for state in states)
        x = inputs[r].detach().requires_grad_()
        out, final = network(x, given[0] if len(given) == 1 else given)
        final = final if isinstance(final, tuple) else (final,)
        assert_close(outputs[r], out)
        assert_close(tuple(each[r] for each in finals), final)
        total = (out * weights[r]).sum() + sum((each**3).sum() for each in final)
        own = torch.autograd.grad(total, [*network.parameters(), x, *given])
        assert_close([gradient[r] for gradient in gradients], list(own))


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_the_last_outputs_alone_are_the_end_of_all(layers, engine):
    torch.manual_seed(0)
    shapes = model_shapes(LSTM(), F, H, 5, layers).items()
    parameters = {key: double(R, *shape, scale=0.4).detach() for key, shape in shapes}
    model = SequenceModel(LSTM(), parameters, engine, layers)
    inputs = torch.randn(R, T, B, F, dtype=torch.float64)
    outputs, finals = model(inputs)
    for last in (1, 4, T):
        end, same = model(inputs, last=last)
        assert_close(end, outputs[:, T - last :])
        assert_close(same, finals)


class Reference(nn.Module):
    """Residual blocks in plain torch, around nn.GRU."""

    def __init__(self, depth, window, bidirectional):
        super().__init__()
        self.window, width = window, H * (2 if bidirectional else 1)
        self.embed = nn.Linear(F, H)
        self.norms = nn.ModuleList(nn.LayerNorm(H) for _ in range(depth))
        options = {"bidirectional": bidirectional, "dtype": torch.float64}
        self.cells = nn.ModuleList(nn.GRU(H * window, H, **options) for _ in range(depth))
        self.glus = nn.ModuleList(nn.Linear(width, 2 * H) for _ in range(depth))
        self.double()

    def load(self, parameters):
        """Take one replica's parameters, by the suite's names."""
        state = {
            "embed.weight": parameters["block.embed_weight"],
            "embed.bias": parameters["block.embed_bias"],
        }
        for layer in range(len(self.cells)):
            for part in ("weight", "bias"):
                state[f"norms.{layer}.{part}"] = parameters[f"block.norm_{part}_l{layer}"]
                state[f"glus.{layer}.{part}"] = parameters[f"block.glu_{part}_l{layer}"]
            for name in self.cells[layer].state_dict():
                own = name.replace("_l0", f"_l{layer}")
                state[f"cells.{layer}.{name}"] = parameters[f"rnn.{own}"]
        self.load_state_dict(state)

    def forward(self, inputs):
        hidden = self.embed(inputs)
        for norm, cell, glu in zip(self.norms, self.cells, self.glus):
            seen = norm(hidden)
            if not cell.bidirectional:  # each direction has a window of its own past
                before = nn.functional.pad(seen, (0, 0, 0, 0, self.window - 1, 0))
                seen = torch.cat([before[k : k + len(seen)] for k in range(self.window)], -1)
            hidden = hidden + nn.functional.glu(glu(cell(seen)[0]), -1)
        return hidden


BLOCKS = [Layers(1, block="residual"), Layers(2, True, "residual"), Layers(3, False, "residual", 4)]


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("layers", BLOCKS, ids=str)
def test_residual_blocks_and_windows_agree_with_plain_torch(layers, engine):
    torch.manual_seed(0)
    shapes = model_shapes(GRU(), F, H, 5, layers).items()
    parameters = {key: double(R, *shape, scale=0.4) for key, shape in shapes}
    inputs = double(R, T, B, F)
    model = SequenceModel(GRU(), parameters, engine, layers)
    outputs, _ = model.hidden(inputs)
    assert_close(model.hidden(inputs, last=2)[0], outputs[:, -2:])
    weights = torch.randn(outputs.shape, dtype=torch.float64)
    found = torch.autograd.grad((outputs * weights).sum(), inputs)[0]
    for r in range(R):
        reference = Reference(layers.num_layers, layers.window, layers.bidirectional)
        reference.load({key: tensor[r].detach() for key, tensor in parameters.items()})
        x = inputs[r].detach().requires_grad_()
        expected = reference(x)
        assert_close(outputs[r], expected)
        assert_close(found[r], torch.autograd.grad((expected * weights[r]).sum(), x)[0])


@pytest.mark.parametrize("window", [1, 3])
def test_a_window_of_plain_layers_holds_the_last_inputs_oldest_first(window):
    layers = Layers(window=window)
    inputs = torch.arange(1.0, 6).view(1, 5, 1, 1)
    seen = layers.windows(inputs)[0, :, 0].tolist()
    assert seen == [[max(t - k, 0) for k in range(window - 1, -1, -1)] for t in range(1, 6)]
    assert layers.shapes(GRU(), F, H)["weight_ih_l0"] == (3 * H, F * window)


def test_a_window_cannot_go_on_from_states():
    model = stack(1, Layers(window=2))
    _, states = model(torch.randn(T, B, F))
    with pytest.raises(ValueError, match="window must be 1 to go on from states, got 2"):
        model(torch.randn(T, B, F), states)


@pytest.mark.parametrize("layers", BLOCKS, ids=str)
def test_blocks_are_bitwise_the_same_alone_and_in_a_stack(layers):
    torch.manual_seed(0)
    shapes = model_shapes(GRU(), F, H, 5, layers).items()
    parameters = {key: torch.randn(R, *shape) / 3 for key, shape in shapes}
    inputs = torch.randn(R, T, B, F)

    def gradients(chosen):
        own = {key: tensor[chosen].clone().requires_grad_() for key, tensor in parameters.items()}
        outputs, _ = SequenceModel(GRU(), own, "compiled", layers)(inputs[chosen])
        return [outputs, *torch.autograd.grad(outputs.square().sum(), list(own.values()))]

    for whole, alone in zip(gradients([0, 1]), gradients([1])):
        assert torch.equal(whole[1], alone[0])


def test_a_residual_block_starts_as_its_parts_do():
    layers = Layers(2, block="residual")
    shapes = model_shapes(GRU(), F, 64, 5, layers)
    parameters = {key: torch.full(shape, torch.nan) for key, shape in shapes.items()}
    initialize(GRU(), parameters, torch.Generator().manual_seed(0), gap=10, layers=layers)
    assert (parameters["block.norm_weight_l1"] == 1).all()
    assert not parameters["block.norm_bias_l1"].any()
    for name, fan in {"embed_weight": F, "embed_bias": F, "glu_bias_l1": 64}.items():
        bound = fan**-0.5
        assert 0.8 * bound < parameters[f"block.{name}"].abs().max() <= bound


def test_time_steps_one_after_the_other_are_the_whole_sequence():
    layers = Layers(2)
    torch.manual_seed(0)
    shapes = model_shapes(GRU(), F, H, 5, layers).items()
    parameters = {key: double(1, *shape, scale=0.4).detach() for key, shape in shapes}
    model = SequenceModel(GRU(), parameters, layers=layers)
    inputs = torch.randn(T, B, F, dtype=torch.float64)
    outputs, finals = model(inputs)
    states = None
    for t in range(T):
        output, states = model.step(inputs[t], states)
        assert_close(output, outputs[t])
    assert_close(states, finals)


def test_every_recurrence_is_initialized_the_cells_own_way():
    layers = Layers(2, True)
    shapes = model_shapes(LSTM(), F, H, 5, layers)
    parameters = {key: torch.full(shape, torch.nan) for key, shape in shapes.items()}
    drawn = torch.Generator().manual_seed(0)
    initialize(LSTM(keep_bias=7.0), parameters, drawn, gap=10, layers=layers)
    for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse"):
        bias = parameters[f"rnn.bias_hh{suffix}"].view(4, H)
        assert (bias[1] > 6).all() and (bias[[0, 2, 3]].abs() < 1).all()
    assert not any(tensor.isnan().any() for tensor in parameters.values())
    values = torch.cat([tensor.flatten() for tensor in parameters.values()])
    assert len(values.unique()) > 0.99 * len(values)


def stack(replicas, layers=LAYERS[0]):
    shapes = model_shapes(GRU(), F, H, 5, layers).items()
    parameters = {key: torch.zeros(replicas, *shape) for key, shape in shapes}
    return SequenceModel(GRU(), parameters, layers=layers)


def test_a_model_tells_what_it_is():
    count = sum(p.numel() for p in nn.GRU(F, H, bidirectional=True).parameters()) + 5 * (2 * H + 1)
    assert repr(stack(2)) == (
        f"SequenceModel(GRU: {F} features, hidden size {H}, 5 outputs, layers 1 in both "
        f"directions, {count} parameters, replicas 2)"
    )


@pytest.mark.parametrize(
    ("replicas", "inputs", "line"),
    [
        (1, torch.zeros(T, F), r"inputs must be (1, T, B, 4) or (T, B, 4), got (9, 4)"),
        (1, torch.zeros(T, B, F + 1), r"inputs must be (1, T, B, 4) or (T, B, 4), got (9, 3, 5)"),
        (2, torch.zeros(T, B, F), r"inputs must be (2, T, B, 4), got (9, 3, 4)"),
        (2, torch.zeros(3, T, B, F), r"inputs must be (2, T, B, 4), got (3, 9, 3, 4)"),
        (1, torch.zeros(0, B, F), r"inputs must be (1, T, B, 4) or (T, B, 4), got (0, 3, 4)"),
        (
            1,
            torch.zeros(T, B, F).double(),
            "inputs must be torch.float32, as the weights, got torch.float64",
        ),
        (1, [[0.0]], "inputs must be a tensor (1, T, B, 4) or (T, B, 4), got a list"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_in_one_line(replicas, inputs, line):
    with pytest.raises(ValueError) as told:
        stack(replicas)(inputs)
    assert str(told.value) == line
