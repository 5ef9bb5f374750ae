"""Every engine computes the same recurrence, torch.nn's own, and the same gradients."""

import pytest
import torch
from torch import nn

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.check.problem import make_problem, run_with_gradients
from rnnbench.engine import get_engine
from rnnbench.model import SequenceModel, model_shapes

R, T, B, F = 3, 17, 5, 4
CELLS = {
    "rnn": (RNN(), nn.RNN, {}),
    "rnn relu": (RNN(nonlinearity="relu"), nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (LSTM(), nn.LSTM, {}),
    "gru": (GRU(), nn.GRU, {}),
}


def double(*shape, scale=1.0):
    return (torch.randn(*shape, dtype=torch.float64) * scale).requires_grad_()


def problem(cell, hidden):
    torch.manual_seed(0)
    shapes = cell.shapes(F, hidden).items()
    parameters = {name: double(R, *shape, scale=hidden**-0.5) for name, shape in shapes}
    states = tuple(double(R, B, hidden) for _ in cell.states)
    return parameters, double(R, T, B, F), states


def objective(outputs, finals):
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view(outputs.shape)
    return (outputs * weights).sum() + sum((final**3).sum() for final in finals)


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("hidden", [7, 32, 33])
@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("name", CELLS)
def test_outputs_states_and_gradients_agree_with_torch_nn(name, engine, hidden):
    cell, module, options = CELLS[name]
    parameters, inputs, states = problem(cell, hidden)
    outputs, finals = get_engine(engine)(cell, parameters, inputs, states, None)
    leaves = [*parameters.values(), inputs, *states]
    gradients = dict(zip(range(99), torch.autograd.grad(objective(outputs, finals), leaves)))
    expected = []
    for r in range(R):
        network = module(F, hidden, dtype=torch.float64, **options)
        network.load_state_dict({k: v[r].detach() for k, v in parameters.items()})
        given = tuple(state[r, None] for state in states)
        out, final = network(inputs[r], given[0] if len(given) == 1 else given)
        expected.append((out, final if isinstance(final, tuple) else (final,), network))
    stacked = torch.stack([out for out, _, _ in expected])
    final_states = tuple(torch.cat(each) for each in zip(*(f for _, f, _ in expected)))
    assert_close(outputs, stacked)
    assert_close(finals, final_states)
    weights = [dict(network.named_parameters()) for _, _, network in expected]
    own = [weight[key] for key in parameters for weight in weights]
    wanted = torch.autograd.grad(objective(stacked, final_states), [*own, inputs, *states])
    for index in range(len(parameters)):
        assert_close(gradients[index], torch.stack(wanted[index * R : (index + 1) * R]))
    for index, gradient in enumerate(wanted[len(own) :]):
        assert_close(gradients[len(parameters) + index], gradient)


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
@pytest.mark.parametrize("name", CELLS)
def test_one_time_step_after_the_other_is_the_whole_sequence(name, engine):
    cell = CELLS[name][0]
    shapes = model_shapes(cell, F, 33, 5).items()
    torch.manual_seed(0)
    parameters = {key: double(R, *shape, scale=0.4).detach() for key, shape in shapes}
    model = SequenceModel(cell, parameters, engine)
    inputs = torch.randn(R, T, B, F, dtype=torch.float64)
    outputs, finals = model(inputs)
    states, stepped = None, []
    for x in inputs.unbind(1):
        output, states = model.step(x, states)
        stepped.append(output)
    assert_close(torch.stack(stepped, 1), outputs)
    assert_close(states, finals)


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
def test_last_outputs_are_the_end_of_all_outputs(engine):
    parameters, inputs, _ = problem(LSTM(), 8)
    outputs, _ = get_engine(engine)(LSTM(), parameters, inputs, None, None)
    last, _ = get_engine(engine)(LSTM(), parameters, inputs, None, 3)
    assert_close(last, outputs[:, -3:])


def test_read_out_is_a_linear_layer():
    torch.manual_seed(0)
    shapes = model_shapes(GRU(), F, 33, 5).items()
    parameters = {key: double(1, *shape, scale=0.4).detach() for key, shape in shapes}
    inputs = torch.randn(T, B, F, dtype=torch.float64)
    outputs, _ = SequenceModel(GRU(), parameters)(inputs, last=2)
    network = nn.ModuleDict({"rnn": nn.GRU(F, 33), "readout": nn.Linear(33, 5)}).double()
    network.load_state_dict(SequenceModel(GRU(), parameters).state_dict())
    assert_close(outputs, network["readout"](network["rnn"](inputs)[0])[-2:])


class Peephole(Cell):
    """A cell with every kind of gate, two states and a per-unit vector."""

    gates = {"a": "x", "b": "h", "c": "xh"}
    states = ("h", "s")
    vectors = ("peephole",)

    @staticmethod
    def update(a, b, c, h, s, peephole):
        s = torch.sigmoid(c + peephole * s) * s + torch.tanh(a)
        return torch.tanh(s + b) * (1 - h / 2), s


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_gates_fed_by_input_hidden_state_or_both_and_vectors(engine):
    cell, hidden = Peephole(), 6
    parameters, inputs, states = problem(cell, hidden)
    outputs, finals = get_engine(engine)(cell, parameters, inputs, states, None)
    for r in range(R):
        own = {name: tensor[r] for name, tensor in parameters.items()}
        h, s = (state[r] for state in states)
        for t in range(T):
            from_x = inputs[r, t] @ own["weight_ih_l0"].T + own["bias_ih_l0"]
            from_h = h @ own["weight_hh_l0"].T + own["bias_hh_l0"]
            (a, c_x), (b, c_h) = from_x.split(hidden, -1), from_h.split(hidden, -1)
            h, s = Peephole.update(a, b, c_x + c_h, h, s, own["peephole_l0"])
            assert_close(outputs[r, t], h)
        assert_close(finals[1][r], s)


class NoNumberAtZero(Cell):
    """A cell that is not a number where a gate, a state or a vector is zero."""

    gates = {"a": "x", "b": "xh"}
    states = ("h", "s")
    vectors = ("v",)

    @staticmethod
    def update(a, b, h, s, v):
        return torch.tanh(b * b / b + 1e-9 / v), torch.tanh(a * a / a + s * s / s)


@pytest.mark.parametrize("hidden", [1, 31, 32, 33])
@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_padded_units_reach_no_result_and_no_gradient(engine, hidden):
    cell = NoNumberAtZero()
    parameters, inputs, states = problem(cell, hidden)
    outputs, finals = get_engine(engine)(cell, parameters, inputs, states, None)
    (h, s), own, by_step = states, parameters, []
    for x in inputs.unbind(1):
        from_x = torch.baddbmm(own["bias_ih_l0"][:, None], x, own["weight_ih_l0"].mT)
        from_h = torch.baddbmm(own["bias_hh_l0"][:, None], h, own["weight_hh_l0"].mT)
        a, b = from_x.split(hidden, -1)
        h, s = cell.update(a, b + from_h, h, s, own["v_l0"][:, None])
        by_step.append(h)
    assert_close((outputs, *finals), (torch.stack(by_step, 1), h, s))
    leaves = [*parameters.values(), inputs, *states]
    expected = torch.autograd.grad(objective(torch.stack(by_step, 1), (h, s)), leaves)
    assert_close(torch.autograd.grad(objective(outputs, finals), leaves), expected)


class TwoProducts(Cell):
    """A cell whose recurrence has two matrix products in a row."""

    def shapes(self, input_size, hidden_size):
        square = (hidden_size, hidden_size)
        return {"weight_ih_l0": (hidden_size, input_size), "weight_hh_l0": square, "inner": square}

    def step(self, parameters, inputs, states):
        inner = torch.tanh(torch.bmm(states[0], parameters["inner"]))
        from_x = torch.bmm(inputs, parameters["weight_ih_l0"].transpose(1, 2))
        return (torch.tanh(from_x + torch.bmm(inner, parameters["weight_hh_l0"])),)


def test_a_cell_given_by_its_step_runs_on_the_reference_engine():
    parameters, inputs, _ = problem(TwoProducts(), 6)
    outputs, finals = get_engine("reference")(TwoProducts(), parameters, inputs, None, None)
    h = torch.zeros(B, 6, dtype=torch.float64)
    for t in range(T):
        inner = torch.tanh(h @ parameters["inner"][1])
        from_x = inputs[1, t] @ parameters["weight_ih_l0"][1].T
        h = torch.tanh(from_x + inner @ parameters["weight_hh_l0"][1])
        assert_close(outputs[1, t], h)
    assert_close(finals[0][1], h)


class OneShort(GRU):
    """Derives a recurrent matrix for one unit less."""

    def derive(self, parameters):
        return {**parameters, "weight_hh_l0": parameters["weight_hh_l0"][:, :-1]}


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_no_engine_takes_a_derived_parameter_of_another_shape(engine):
    parameters, inputs, _ = problem(OneShort(), 6)
    with pytest.raises(ValueError, match=r"derive must give weight_hh_l0 the shape \(18, 6\), got"):
        get_engine(engine)(OneShort(), parameters, inputs, None, None)


class Halved(RNN):
    def derive(self, parameters):
        return {**parameters, "weight_hh_l0": parameters["weight_hh_l0"] / 2}


class HalvedInPlace(RNN):
    def derive(self, parameters):
        parameters["weight_hh_l0"].div_(2)
        return parameters


def test_a_parameter_that_is_derived_in_place_is_derived():
    given = make_problem(RNN(), hidden=6)
    expected, found = (
        run_with_gradients("reference", kind(), given) for kind in (Halved, HalvedInPlace)
    )
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    with torch.inference_mode():
        outputs = [
            get_engine("reference")(kind(), *given, None)[0] for kind in (Halved, HalvedInPlace)
        ]
    assert torch.equal(*outputs)


class ReturnsTooFew(LSTM):
    def update(self, i, f, g, o, h, c):
        return torch.sigmoid(o) * torch.tanh(c)


def test_too_few_new_states_are_named():
    parameters, inputs, _ = problem(ReturnsTooFew(), 6)
    with pytest.raises(ValueError, match="update must return h, c, got 1 values"):
        get_engine("reference")(ReturnsTooFew(), parameters, inputs, None, None)


def test_torch_engine_names_the_cell_it_cannot_run():
    parameters, inputs, _ = problem(Peephole(), 6)
    with pytest.raises(
        ValueError, match="must be another than torch for a cell that torch.nn lacks, got Peephole"
    ):
        get_engine("torch")(Peephole(), parameters, inputs, None, None)


def test_unknown_engine_lists_the_known_ones():
    known = "reference, compiled, torch, triton"
    with pytest.raises(ValueError, match=f"engine must be one of {known}, got warp"):
        get_engine("warp")
