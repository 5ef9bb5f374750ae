"""A cell with one mistake fails one check, which names the mistake; nothing raises."""

from asyncio import CancelledError

import pytest
import torch
from torch import sigmoid, tanh

from rnnbench import Cell
from rnnbench.cells import GRU, LSTM
from rnnbench.check.run import CHECKS


class Plain(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return tanh(a)


class Stepped(Cell):
    """A plain network by a step of its own; what is broken comes in `push`."""

    def shapes(self, input_size, hidden_size):
        return {
            "weight_ih_l0": (hidden_size, input_size),
            "weight_hh_l0": (hidden_size, hidden_size),
        }

    def step(self, parameters, inputs, states):
        from_x = torch.bmm(self.push(inputs), parameters["weight_ih_l0"].transpose(1, 2))
        from_h = torch.bmm(states[0], parameters["weight_hh_l0"].transpose(1, 2))
        return (tanh(from_x + from_h),)

    def push(self, inputs):
        return inputs


class LooksAhead(Stepped):
    """A time step's inputs are a view of the whole sequence."""

    def push(self, inputs):
        whole = inputs._base
        if whole is None or whole.ndim != 4:
            return inputs
        steps = whole.unbind(1)
        own = [x.data_ptr() for x in steps].index(inputs.data_ptr())
        return inputs + steps[min(own + 1, len(steps) - 1)]


class KnowsWhereItStarts(Stepped):
    """The first time step of a call counts double."""

    def push(self, inputs):
        whole = inputs._base
        first = whole is not None and whole.data_ptr() == inputs.data_ptr()
        return inputs * 2 if first else inputs


class MixesTheBatch(Plain):
    def update(self, a, h):
        return tanh(a + 0.1 * a.mean(-2, keepdim=True))


class MixesReplicas(Plain):
    """A replica's own share is that of a network alone."""

    def update(self, a, h):
        return tanh(a + 0.1 * a.mean(0))


class ForgetsItsState(LSTM):
    def update(self, i, f, g, o, h, c):
        c = sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c + 0 * f), c


class ForgetsAVector(Plain):
    vectors = ("v",)

    def update(self, a, h, v):
        return tanh(a)


class TooFewStates(LSTM):
    def update(self, i, f, g, o, h, c):
        return (sigmoid(o) * tanh(c),)


class NoTuple(LSTM):
    def update(self, i, f, g, o, h, c):
        return [sigmoid(o) * tanh(c), c]


class AnotherType(Plain):
    def update(self, a, h):
        return tanh(a.float())


class AnotherShape(Plain):
    def update(self, a, h):
        return tanh(a)[..., :-1]


class InPlace(Plain):
    def update(self, a, h):
        return tanh(a + h.mul_(0.5))


class StepInPlace(Stepped):
    def push(self, inputs):
        return inputs.mul_(2)


class Dice(Plain):
    def update(self, a, h):
        return tanh(a) * (torch.rand_like(a) > 0.1)


class Memory(Plain):
    calls = 0

    def update(self, a, h):
        Memory.calls += 1
        return tanh(a + 1e-3 * Memory.calls)


class Detached(Plain):
    def update(self, a, h):
        return tanh(a + 0.3 * h.detach())


class RoundedGradient(Plain):
    def update(self, a, h):
        return tanh(a) + (0.1 * a - 0.1 * a.detach())


class AllDetached(Plain):
    def update(self, a, h):
        return tanh(a.detach())


class AnotherKernel(Plain):
    """The kernel is made from one example, which is a row of four."""

    def update(self, a, h):
        return tanh(a) if a.ndim > 1 else tanh(2 * a)


class GlobalDice(Plain):
    def initialize(self, parameters, generator, *, gap):
        for tensor in parameters.values():
            tensor.uniform_(-0.1, 0.1)


class HalfInitialized(Plain):
    def initialize(self, parameters, generator, *, gap):
        super().initialize({"weight_hh_l0": parameters["weight_hh_l0"]}, generator, gap=gap)


class NoSeed(Plain):
    def initialize(self, parameters, generator, *, gap):
        for tensor in parameters.values():
            tensor.fill_(0.1)


class BiasElsewhere(GRU):
    def initialize(self, parameters, generator, *, gap):
        super().initialize(parameters, generator, gap=gap)
        parameters["bias_ih_l0"].add_(self.keep_bias)


class TooManyParameters(Plain):
    def shapes(self, input_size, hidden_size):
        return {**super().shapes(input_size, hidden_size), "spare_l0": (hidden_size,)}


class BlowsUp(Plain):
    def update(self, a, h):
        return 1.2 * h + 0.1 * tanh(a)


class NanLater(Plain):
    """A count in a state runs over after 300 time steps."""

    states = ("h", "n")

    def update(self, a, h, n):
        return tanh(a) + 0 * torch.sqrt(300 - n) + 1e-9 * n, n + 1


class CannotLearn(Plain):
    def update(self, a, h):
        return tanh(1e-7 * a + 1e-9 * h)


class WrongOrder(LSTM):
    def update(self, f, i, g, o, h, c):
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c


class TooFewArguments(LSTM):
    def update(self, i, f, g, o, h):
        return h, h


class ListOfGates(Plain):
    gates = ["a"]


class BadSource(Plain):
    gates = {"a": "hx"}


class BadKeepGate(Plain):
    keep_gate = "b"


class TwiceTheSameState(Plain):
    states = ("h", "h")


class Both(Plain):
    def step(self, parameters, inputs, states):
        return states


class NoUpdate(Cell):
    gates = {"a": "xh"}


class StepWithoutShapes(Cell):
    def step(self, parameters, inputs, states):
        return states


class NoHiddenSize(Stepped):
    def shapes(self, input_size, hidden_size):
        return {"weight_ih_l0": (hidden_size, input_size)}


class NoConstructor(Plain):
    def __init__(self, *, scale=1.0):
        self.scale = scale


class GateNamedAsAState(Plain):
    gates = {"h": "xh"}

    def update(self, a, h):
        return tanh(a + h)


class WithAVector(Plain):
    vectors = ("v",)

    def update(self, a, h, v):
        return tanh(a + v * h)


class ShortVector(WithAVector):
    def shapes(self, input_size, hidden_size):
        return {**super().shapes(input_size, hidden_size), "v_l0": (1,)}


class DerivesAScalar(ShortVector):
    """One number for all units, which must be given to each."""

    def derive(self, parameters):
        return {**parameters, "v_l0": sigmoid(parameters["v_l0"])}


class DerivesThatAlone(WithAVector):
    def derive(self, parameters):
        return {"v_l0": sigmoid(parameters["v_l0"])}


class DerivesNothing(WithAVector):
    def derive(self, parameters):
        parameters["v_l0"] = sigmoid(parameters["v_l0"])


class TellsNoHiddenSize(WithAVector):
    gates = {"a": "x"}

    def shapes(self, input_size, hidden_size):
        shapes = super().shapes(input_size, hidden_size)
        return {name: shapes[name] for name in ("weight_ih_l0", "bias_ih_l0", "v_l0")}


class Prepared(Cell):
    gates = {"r": "xh", "n": ("x", "past")}

    def update(self, r, n, h, past):
        return tanh(n) + past


class PreparesAnother(Prepared):
    def prepare(self, r, h):
        return {"passed": sigmoid(r) * h}


class PreparesNoNames(Prepared):
    def prepare(self, r, h):
        return sigmoid(r) * h


BROKEN = [
    (Cell, "declaration", "either|neither"),
    (WrongOrder, "declaration", "in order: i, f, g, o, h, c, got ['f', 'i'"),
    (TooFewArguments, "declaration", "update must take (i, f, g, o, h, c), got (i, f, g, o, h)"),
    (ListOfGates, "declaration", "gates must map each gate to x, h, xh or a tuple, got ['a']"),
    (BadSource, "declaration", "gate a must be fed by x, h or xh, or a tuple of names, got 'hx'"),
    (BadKeepGate, "declaration", "keep_gate must be a gate that x or h feeds (a), got 'b'"),
    (TwiceTheSameState, "declaration", "states must have different names, got h, h"),
    (Both, "declaration", "either gates or a step of its own, got both"),
    (NoUpdate, "declaration", "a cell with gates must have update, got none"),
    (StepWithoutShapes, "declaration", "must declare its shapes"),
    (NoHiddenSize, "declaration", "have a weight_hh_l0 (..., 32), which tells the hidden size"),
    (NoConstructor, "declaration", "NoConstructor.__init__ must call super().__init__(init=init)"),
    (GateNamedAsAState, "declaration", "vectors must have different names, got h, h"),
    (ShortVector, "shapes", "shapes must give v_l0 the shape (32,), got (1,)"),
    (DerivesAScalar, "shapes", "derive must give v_l0 the shape (32,), got (1,)"),
    (DerivesThatAlone, "shapes", "derive must give weight_ih_l0 the shape (32, 5), got none"),
    (DerivesNothing, "shapes", "derive must return parameters by name, got NoneType"),
    (TellsNoHiddenSize, "shapes", "shapes must have a weight_hh_l0 (..., H)"),
    (PreparesAnother, "shapes", "prepare must return past, got passed"),
    (PreparesNoNames, "shapes", "prepare must return values by name, got Tensor"),
    (TooFewStates, "shapes", "update must return 2 states (h, c), got 1"),
    (NoTuple, "shapes", "update must return a tuple (h, c,), got list"),
    (AnotherType, "shapes", "must be torch.float64 where all that goes in is, got torch.float32"),
    (AnotherShape, "shapes", "update's state h must have shape (2, 3, 32), got (2, 3, 31)"),
    (InPlace, "purity", "update must leave h as it is, got it changed in place"),
    (StepInPlace, "purity", "step must leave inputs as it is, got it changed in place"),
    (Dice, "determinism", "random numbers, or a memory"),
    (Memory, "determinism", "random numbers, or a memory"),
    (LooksAhead, "causality", "must not depend on later inputs, got time step 0 changed by 1"),
    (KnowsWhereItStarts, "stepping", "must be the whole sequence"),
    (MixesTheBatch, "batch", "a sequence must not depend on the others"),
    (TooManyParameters, "size", "parameters must be 1248, as gates and vectors make, got 1280"),
    (ForgetsItsState, "use", "no use of state c, gate f (weight_ih_l0)"),
    (ForgetsAVector, "use", "no use of v_l0"),
    (Detached, "gradient", "apart: is something detached?"),
    (RoundedGradient, "gradient", "apart: is something detached?"),
    (AllDetached, "gradient", "outputs must have a gradient, got none"),
    (AnotherKernel, "compiled", "the kernel must agree with the reference engine to 1e-12"),
    (MixesReplicas, "stacking", "bitwise the same alone and in a stack"),
    (GlobalDice, "start", "must depend on the seed alone"),
    (HalfInitialized, "start", "must be finite, got others in weight_ih_l0"),
    (NoSeed, "start", "seeds must draw different initial values"),
    (BiasElsewhere, "start", "keep_bias must be added once to the bias of gate z, got bias_ih"),
    (BlowsUp, "endurance", "must stay below 1e+06 over 1000 time steps of noise"),
    (NanLater, "endurance", "got nan in h at 301"),
    (CannotLearn, "learning", "recall over 3 time steps must reach 0.44 (chance 0.25), got"),
]


@pytest.mark.parametrize(("kind", "check", "words"), BROKEN, ids=[b[0].__name__ for b in BROKEN])
def test_a_mistake_fails_one_check_and_is_named(outcomes, kind, check, words):
    found = outcomes(kind)
    failed = {name: outcome.text for name, outcome in found.items() if outcome.result == "fail"}
    assert list(failed) == [check], failed
    assert any(word in failed[check] for word in words.split("|")), failed
    assert "\n" not in failed[check]


def test_every_check_is_failed_by_some_cell():
    assert {check for _, check, _ in BROKEN} == set(CHECKS)


def test_what_rests_on_a_failed_check_is_left_out_with_the_reason(outcomes):
    found = outcomes(TooFewStates)
    assert found["purity"].result == "not applicable"
    assert found["purity"].text == "shapes must pass first"


class Mute(Exception):
    """An error that cannot even say what it is."""

    def __str__(self):
        raise ValueError


RAISED = [ValueError("a\nb"), SystemExit(3), RecursionError(), GeneratorExit(), AssertionError()]


@pytest.mark.parametrize(
    "error", [*RAISED, CancelledError(), Mute()], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize("method", ["update", "initialize", "shapes"])
def test_whatever_a_cell_raises_is_one_line(outcomes, error, method):
    def raising(self, *_, **__):
        raise error

    found = outcomes(type("Raising", (Plain,), {method: raising}))
    failed = [outcome.text for outcome in found.values() if outcome.result == "fail"]
    assert failed
    assert all(type(error).__name__ in text and "\n" not in text for text in failed)
