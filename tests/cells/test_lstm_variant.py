"""What a variant of the LSTM declares is its own, and all that reads declarations knows it."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from rnnbench.cells import LSTM, LSTMVariant
from rnnbench.cells.lstm_variant import Variant
from rnnbench.check.problem import make_problem, run
from rnnbench.diagnose.network import SigmoidGates
from rnnbench.model import Layers, count_state
from rnnbench.training.code import code_of, traced
from rnnbench.training.streams import INITIALIZATION, stream
from tasks.copying import Copying
from tests.small_sweep import ONE

VARIANTS = get_args(Variant)
SIGMOIDS = {
    "no_input_gate": {"f", "o"},
    "no_forget_gate": {"i", "o"},
    "no_output_gate": {"i", "f"},
    "coupled": {"f", "o"},
}
# Of a peephole from the new c, the sigmoid is not that of one gate alone.
UNSEEN = {"peepholes": {"o"}}


def test_gates_states_and_vectors():
    for variant in VARIANTS:
        cell, sigmoids = LSTMVariant(variant=variant), SIGMOIDS.get(variant, {"i", "f", "o"})
        assert set(cell.gates) == sigmoids | {"g"}
        assert set(SigmoidGates(cell).names) == sigmoids - UNSEEN.get(variant, set())
        assert cell.keep_gate == ("f" if "f" in sigmoids else None)
        assert cell.input_gate == ("i" if "i" in sigmoids else None)
        assert len(cell.vectors) == 3 * (variant == "peepholes")
    assert LSTMVariant.keep_gate == "f"  # of the class, which no instance changes


def test_old_gates_are_counted_as_state():
    for variant in VARIANTS:
        states = 5 if variant == "full_gate_recurrence" else 2
        cell = LSTMVariant(variant=variant)
        assert count_state(Copying(gap=20), cell, Layers(), 7) == states * 7


@pytest.mark.parametrize("variant", ["peepholes", "full_gate_recurrence"])
def test_what_is_added_is_nothing_at_zero(variant):
    cell = LSTMVariant(variant=variant)
    given = make_problem(cell, hidden=5)
    parameters = {
        name: torch.zeros_like(tensor) if name.startswith(("p_", "weight_old")) else tensor
        for name, tensor in given.parameters.items()
    }
    outputs, h, c, *_ = run(cell, given._replace(parameters=parameters))
    plain = make_problem(LSTM(), hidden=5).parameters
    own = {name: parameters[name] for name in plain}
    expected = run(LSTM(), given._replace(parameters=own, states=given.states[:2]))
    for found, wanted in zip((outputs, h, c), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-12, rtol=1e-12)


def start(**arguments):
    cell = LSTMVariant(**arguments)
    drawn = {name: torch.zeros(shape) for name, shape in cell.shapes(3, 7).items()}
    cell.initialize(drawn, stream(INITIALIZATION, 0), gap=50)
    return cell, drawn


def test_keep_bias_opens_the_forget_gate_where_there_is_one():
    for variant in VARIANTS:
        cell, plain = start(variant=variant, keep_bias=0.0)
        _, moved = start(variant=variant, keep_bias=2.0)
        if cell.keep_gate:
            cell.start_bias("f", plain).add_(2.0)
        assert all(torch.equal(moved[name], tensor) for name, tensor in plain.items())


def test_chrono_needs_a_forget_gate():
    for variant in set(VARIANTS) - {"no_forget_gate"}:
        cell, drawn = start(variant=variant, init="chrono")
        forget = cell.start_bias("f", drawn)
        assert 0 <= forget.min() < forget.max() <= torch.tensor(49.0).log()
        if cell.input_gate:
            torch.testing.assert_close(cell.start_bias("i", drawn), -forget)
    with pytest.raises(ValueError, match="init must be another than chrono without a forget gate"):
        LSTMVariant(variant="no_forget_gate", init="chrono")


def test_an_unknown_variant_is_told_the_known():
    with pytest.raises(ValueError, match="variant must be one of no_input_gate, .*, got none"):
        LSTMVariant(variant="none")


def test_each_variant_has_an_id_and_a_hash_of_its_own(own):
    own.write(own_code="from rnnbench.cells import LSTMVariant\nclass Mine(LSTMVariant): ...\n")
    conditions = [
        replace(ONE, cell={"_target_": "own_code.Mine", "name": "mine", "variant": variant})
        for variant in VARIANTS
    ]
    assert len({condition.condition_id for condition in conditions}) == len(VARIANTS)
    assert len({code_of(condition)["cell"] for condition in conditions}) == len(VARIANTS)
    assert traced(LSTMVariant()) == traced(LSTMVariant(variant="coupled"))
