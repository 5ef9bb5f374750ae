"""Generated GPU kernels, run step by step on the CPU by Triton's interpreter.

It shows what they compute. What only a GPU can show it does not: races, layouts, rounding there.
"""

import sys
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
import torch
import yaml

pytest.importorskip("triton", reason="needs the extra triton")

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.check.problem import Problem, difference, make_problem, run_with_gradients
from rnnbench.engine import check_engine, get_engine, kernel_identity
from rnnbench.engine.compiled.codegen import EXPRESSIONS as CPP
from rnnbench.engine.triton import kernel
from rnnbench.engine.triton.language import EXPRESSIONS
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import arguments_of
from rnnbench.training.optimizer import FlatStack

from .grammar import CELLS, TwoStates

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = "rnnbench.engine.triton.functions"
# Of padded units and sequences, which are stored nowhere.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def interpreter(monkeypatch):
    """Kernels of this file are written for the interpreter, those of others are not."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(kernel, "_kernels", WeakKeyDictionary())
    sys.modules.pop(FUNCTIONS, None)
    yield
    sys.modules.pop(FUNCTIONS, None)


def apart(cell, dtype=torch.float64, last=None, **sizes):
    """Return how far the kernel is from the reference engine in float64, at most, and in what."""
    exact, given = (make_problem(cell, dtype=d, **sizes) for d in (torch.float64, dtype))
    expected = run_with_gradients("reference", cell, exact, last)
    found = run_with_gradients("triton", cell, given, last)
    return max((difference(found[name].double(), each), name) for name, each in expected.items())


class Odd(Cell):
    """Gates of every kind in no order, and an update that is infinite in padded units."""

    gates = {"a": "x", "b": "h", "c": "xh", "d": ("s",), "e": "h"}
    states = ("h", "s")
    vectors = ("v", "w")

    def update(self, a, b, c, d, e, h, s, v, w):
        s = torch.sigmoid(c + v * s) * s / 2 + torch.exp(-a * a) - 0.5 * torch.relu(b - e)
        return torch.tanh(s - w) * (1 - h) + 3 / (4 + b * b) + 1e-9 / v, -s + d


KINDS = {"rnn": RNN(), "lstm": LSTM(), "gru": GRU(), "odd": Odd(), **CELLS}


@pytest.mark.parametrize("name", KINDS)
def test_agrees_with_the_reference(name):
    error, where = apart(KINDS[name], last=2, hidden=17, batch=5, steps=3, replicas=1)
    assert error <= 1e-12, where


@pytest.mark.parametrize("name", ["lstm", "Selective"])
def test_agrees_in_float32_as_far_as_that_goes(name):
    error, where = apart(KINDS[name], torch.float32, hidden=16, batch=3, steps=5, replicas=1)
    assert error <= 1e-5, where


def test_a_kernel_s_name_is_that_of_its_text():
    names = [kernel_identity("triton", cell) for cell in (GRU(), GRU(keep_bias=2.0), LSTM())]
    assert names[0] == names[1] != names[2]


def test_has_an_expression_for_every_operation_that_c_plus_plus_has():
    assert EXPRESSIONS.keys() == CPP.keys()


def assert_the_same_in_a_stack(cell):
    """Compare outputs, states and all gradients bitwise."""
    sizes = {"replicas": 3, "hidden": 16, "batch": 4, "steps": 4, "dtype": torch.float32}
    parameters, inputs, states = stack = make_problem(cell, **sizes)
    stacked = run_with_gradients("triton", cell, stack)
    for r in range(3):
        own = {name: each[r : r + 1].detach().requires_grad_() for name, each in parameters.items()}
        given, *begin = (x[r : r + 1].detach().requires_grad_() for x in (inputs, *states))
        problem = Problem(own, given, tuple(begin))
        for name, alone in run_with_gradients("triton", cell, problem).items():
            assert torch.equal(alone[0], stacked[name][r]), name


def test_a_replica_is_bitwise_the_same_alone_and_in_a_stack():
    assert_the_same_in_a_stack(TwoStates())


def test_an_evaluation_on_views_of_one_buffer_keeps_nothing_and_gives_the_same():
    cell = GRU()
    stack = FlatStack(cell.shapes(3, 16), 2, torch.device("cpu"), torch.float64)
    torch.nn.init.normal_(stack.buffer, std=0.2)
    inputs = torch.randn(2, 4, 3, 3, dtype=torch.float64)
    expected, _ = get_engine("reference")(cell, stack.views(), inputs, None, 1)
    with torch.no_grad():
        found, (final,) = get_engine("triton")(cell, stack.views(), inputs, None, 1)
    assert not found.requires_grad
    assert difference(found, expected) <= 1e-12
    assert torch.equal(found[:, 0], final)


@pytest.mark.parametrize("replicas", [1, 2])
def test_every_array_is_where_triton_compiles_the_same_kernel_for_it(replicas):
    """It compiles another for an address that is no multiple of 16 bytes."""
    cell = RNN()
    kernels = kernel.kernels_of(cell)
    found = []

    class Noted:
        def __init__(self, launched):
            self.launched = launched

        def __getitem__(self, grid):
            def run(*arguments, **options):
                found.extend(x.data_ptr() % 16 for x in arguments if isinstance(x, torch.Tensor))
                return self.launched[grid](*arguments, **options)

            return run

    kernels.forward, kernels.backward = Noted(kernels.forward), Noted(kernels.backward)
    stack = FlatStack(cell.shapes(3, 17), replicas, torch.device("cpu"), torch.float32)
    views = stack.views()
    assert any(view.data_ptr() % 16 for view in views.values())
    outputs, _ = get_engine("triton")(cell, views, torch.zeros(replicas, 2, 3, 3), None, 1)
    outputs.sum().backward()
    assert found == [0] * 15


@pytest.mark.parametrize("precision", ["tf32", "tf32x3"])
def test_the_faster_roundings_reach_the_kernel(precision):
    given = make_problem(RNN(), hidden=16, steps=2, dtype=torch.float32)
    with torch.no_grad():
        strict, _ = get_engine("triton")(RNN(), *given, None)
        rounded, _ = get_engine("triton", precision)(RNN(), *given, None)
    assert 0 <= difference(rounded, strict) < 1e-2


# What a wrong emitter might write: a cell that shows it, what is right, and what is not.
MUTATIONS = {
    "the state of another step": ("rnn", "+ step) * batch * H + first", "+ 0) * batch * H + first"),
    "a result of another step": ("lstm", "u_add = tl.load(", "u_add = old1 + 0 * tl.load("),
    "a bias left out": ("gru", " + bias0", ""),
    "gates exchanged": ("lstm", "u_arg0_1 = gate0", "u_arg0_1 = gate1"),
    "a sum begun anew": ("Everything", "tl.dot(left3, matrix, sum2", "tl.dot(left3, matrix, zero"),
    "no gradient of a value": ("Everything", " + back3", ""),
    "no gradient through the first stage": ("Everything", "d_gate1 += p_", "d_gate1 += 0 * p_"),
    "the first output's gradient left out": ("rnn", "if step >= steps", "if step > steps"),
    "vectors' gradient of the last step alone": ("TwoStates", "d_vector0 +=", "d_vector0 ="),
}  # fmt: skip


@pytest.mark.parametrize("change", MUTATIONS)
def test_a_wrong_kernel_is_seen(change, monkeypatch):
    name, right, wrong = MUTATIONS[change]
    emit = kernel.emit
    monkeypatch.setattr(kernel, "emit", lambda layout: emit(layout).replace(right, wrong))
    assert right in emit(kernel.Layout(KINDS[name]))
    assert apart(KINDS[name], hidden=17, batch=5, steps=2, replicas=1)[0] > 1e-6


class Sorting(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return torch.erfinv(torch.tanh(a))


class Infinite(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return torch.tanh(a.masked_fill(a > 9, float("inf")))


class Constant(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return a * torch.tensor(0.5)


class Stepping(Cell):
    def step(self, parameters, inputs, states):
        return states


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (Sorting(), "update must do without erfinv: it has no compiled form"),
        (Infinite(), "update must do without inf: it has no compiled form"),
        (Constant(), "update must do without lift_fresh_copy: it has no compiled form"),
        (Stepping(), "engine must be reference for a cell without gates, got Stepping"),
    ],
)
def test_a_cell_that_has_no_kernel_is_named(cell, message):
    with pytest.raises(ValueError, match=message):
        check_engine("triton", cell, "cpu")


def test_a_cpu_is_refused_outside_of_the_interpreter(monkeypatch):
    check_engine("triton", LSTM(), "cpu")
    monkeypatch.delenv("TRITON_INTERPRET")
    with pytest.raises(ValueError, match="or torch on cpu, got triton"):
        check_engine("triton", LSTM(), "cpu")
    check_engine("triton", LSTM(), "cuda")


def test_the_extra_is_named_where_triton_is_absent(monkeypatch):
    monkeypatch.setattr(kernel, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"without pip install 'rnnbench\[triton\]', got triton"):
        check_engine("triton", LSTM(), "cuda")


def test_offsets_that_a_kernel_cannot_count_are_refused_before_it_starts():
    inputs = torch.empty(1, 1, 1, 1).expand(1, 2**20, 600, 1)
    shapes = LSTM().shapes(1, 2).items()
    parameters = {name: torch.zeros(1, *shape) for name, shape in shapes}
    with pytest.raises(ValueError, match=r"hidden_size must be at most \d+ on engine triton, got "):
        get_engine("triton")(LSTM(), parameters, inputs, None, 1)


@pytest.mark.parametrize(
    ("replicas", "batch", "size", "rows"),
    [
        *((132, 32, 128, 32), (25, 32, 128, 8), (5, 32, 128, 4)),
        *((1, 64, 64, 4), (500, 64, 256, 16), (9, 1, 2048, 4)),
    ],
)
def test_a_program_has_as_few_sequences_as_let_all_run_at_once(replicas, batch, size, rows):
    assert kernel.rows_for(replicas, batch, size) == rows


def shipped():
    """Yield name and cell of each yaml that has gates."""
    for path in sorted((ROOT / "conf" / "cell").glob("*.yaml")):
        section = yaml.safe_load(path.read_text())
        cell = find_class(section["_target_"], Cell, "cell")(**arguments_of(section))
        if cell.declared:
            yield pytest.param(cell, id=path.stem)


LONG = [(1, 16, 5, 3, None), (3, 33, 3, 5, 3), (1, 64, 5, 7, 1)]


@pytest.mark.long
@pytest.mark.parametrize("cell", [*shipped()])
def test_every_shipped_cell_with_gates_agrees_and_is_the_same_in_a_stack(cell):
    for replicas, hidden, steps, batch, last in LONG:
        sizes = {"replicas": replicas, "hidden": hidden, "steps": steps, "batch": batch}
        for dtype, bound in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
            error, where = apart(cell, dtype, last, **sizes)
            assert error <= bound, (where, dtype, sizes)
    assert_the_same_in_a_stack(cell)
