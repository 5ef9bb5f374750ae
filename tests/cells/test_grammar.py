"""What a cell can declare means the same on every engine, and what its author wrote."""

import pytest
import torch

from rnnbench.check.problem import difference, make_problem, run_with_gradients
from rnnbench.engine import get_engine
from rnnbench.engine.compiled import build, kernel
from rnnbench.engine.compiled.codegen import emit
from rnnbench.engine.trace import trace_update
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel, count_state, model_shapes
from rnnbench.training.code import traced
from tasks.copying import Copying

from .grammar import CELLS, Everything, PublishedGRU, Rotation, Selective, TwoStates

BY_HAND = [name for name, cell in CELLS.items() if hasattr(cell, "by_hand")]
SIZES = [(1, 1, 1, 1), (7, 3, 5, 2), (32, 4, 3, 5), (33, 2, 6, 3)]
BUILDS = [("-mavx2", "-mfma"), ()]


def assert_agree(found, expected, bound=1e-12):
    for name, tensor in expected.items():
        assert difference(found[name].to(tensor.dtype), tensor) <= bound, name


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(("hidden", "batch", "steps", "features"), SIZES)
def test_the_kernel_agrees_with_the_reference(name, hidden, batch, steps, features):
    sizes = {"hidden": hidden, "batch": batch, "steps": steps, "features": features}
    given = make_problem(CELLS[name], **sizes)
    for last in {None, 1}:
        expected = run_with_gradients("reference", CELLS[name], given, last)
        assert_agree(run_with_gradients("compiled", CELLS[name], given, last), expected)


@pytest.mark.long
@pytest.mark.parametrize("architecture", BUILDS, ids=["AVX2", "baseline"])
def test_other_builds_agree(monkeypatch, architecture):
    monkeypatch.setattr(kernel, "load", lambda text: build.load(text, architecture))
    for kind in (Everything, TwoStates):
        given = make_problem(kind(), hidden=33)
        expected = run_with_gradients("reference", kind(), given)
        assert_agree(run_with_gradients("compiled", kind(), given), expected)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("name", BY_HAND)
def test_each_time_step_is_what_it_is_by_hand(name, engine):
    cell = CELLS[name]
    parameters, inputs, states = make_problem(cell, hidden=7)
    outputs, finals = get_engine(engine)(cell, parameters, inputs, states, None)
    for r in range(len(inputs)):
        own = {key: value[r] for key, value in parameters.items()}
        by_hand = tuple(state[r] for state in states)
        for t, x in enumerate(inputs[r]):
            by_hand = cell.by_hand(own, x, *by_hand)
            seen = [by_hand[cell.states.index(output)] for output in cell.output_names]
            torch.testing.assert_close(outputs[r, t], torch.cat(seen, -1), atol=1e-12, rtol=1e-12)
        for found, expected in zip(finals, by_hand, strict=True):
            torch.testing.assert_close(found[r], expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_layers_see_all_outputs_side_by_side(name):
    cell, layers = CELLS[name], Layers(2, bidirectional=True)
    shapes = model_shapes(cell, 3, 5, 2, layers)
    width = 5 * len(cell.output_names) * 2
    assert shapes["rnn.weight_ih_l1_reverse"][1] == shapes["readout.weight"][1] == width
    parameters = {key: torch.randn(1, *shape) / 4 for key, shape in shapes.items()}
    outputs, finals = SequenceModel(cell, parameters, layers=layers)(torch.randn(6, 2, 3))
    assert outputs.shape == (6, 2, 2)
    assert [state.shape for state in finals] == [(4, 2, 5)] * len(cell.states)


def test_an_output_that_is_no_state_is_no_memory():
    assert count_state(Copying(gap=20), Selective(), Layers(), 7) == 7


def test_a_derived_parameter_is_no_trained_one():
    cell = Rotation()
    assert set(cell.shapes(3, 5)) == {
        *("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "angle_l0")
    }
    given = make_problem(cell, hidden=5)
    assert run_with_gradients("compiled", cell, given)["gradient of angle_l0"].abs().min() > 0


def test_what_follows_from_vectors_alone_is_computed_once():
    trace = trace_update(Everything())
    sigmoid, divisor = trace.constants
    assert (str(sigmoid.target), str(divisor.target)) == ("aten.sigmoid.default", "aten.add.Tensor")
    assert trace.divisors == [divisor]
    at_each_step = {*trace.forward, *trace.backward, *trace.saved}
    assert at_each_step.isdisjoint(trace.fixed)
    assert "constant[2] = 1 / add" in emit(Everything())


class Steeper(Selective):
    def update(self, d, b, c, s, a):
        return super().update(d, b, c, s, 2 * a)


def test_an_edit_of_it_is_an_edit():
    assert traced(Selective()) is not None
    assert traced(Selective()) != traced(Steeper())


class Other(PublishedGRU):
    def prepare(self, r, z, h):
        return {"rh": torch.sigmoid(r) * h * h}


def test_an_edit_of_the_first_stage_is_an_edit():
    assert traced(PublishedGRU()) == traced(PublishedGRU())
    assert traced(PublishedGRU()) != traced(Other())
