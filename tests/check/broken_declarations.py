"""Cells that say something wrong of themselves, or return what has another form than they say."""

from torch import sigmoid, tanh

from rnnbench import Cell
from rnnbench.cells import LSTM
from tests.check.broken import Plain, Stepped, broken

broken("declaration", "either|neither")(Cell)


class WithAVector(Plain):
    vectors = ("v",)

    def update(self, a, h, v):
        return tanh(a + v * h)


class Prepared(Cell):
    gates = {"r": "xh", "n": ("x", "past")}

    def update(self, r, n, h, past):
        return tanh(n) + past


@broken("shapes", "update must return 2 states (h, c), got 1")
class TooFewStates(LSTM):
    def update(self, i, f, g, o, h, c):
        return (sigmoid(o) * tanh(c),)


@broken("shapes", "update must return a tuple (h, c,), got list")
class NoTuple(LSTM):
    def update(self, i, f, g, o, h, c):
        return [sigmoid(o) * tanh(c), c]


@broken("shapes", "must be torch.float64 where all that goes in is, got torch.float32")
class AnotherType(Plain):
    def update(self, a, h):
        return tanh(a.float())


@broken("shapes", "update's state h must have shape (2, 3, 32), got (2, 3, 31)")
class AnotherShape(Plain):
    def update(self, a, h):
        return tanh(a)[..., :-1]


@broken("declaration", "in order: i, f, g, o, h, c, got ['f', 'i'")
class WrongOrder(LSTM):
    def update(self, f, i, g, o, h, c):
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c


@broken("declaration", "update must take (i, f, g, o, h, c), got (i, f, g, o, h)")
class TooFewArguments(LSTM):
    def update(self, i, f, g, o, h):
        return h, h


@broken("declaration", "gates must map each gate to x, h, xh or a tuple, got ['a']")
class ListOfGates(Plain):
    gates = ["a"]


@broken("declaration", "gate a must be fed by x, h or xh, or a tuple of names, got 'hx'")
class BadSource(Plain):
    gates = {"a": "hx"}


@broken("declaration", "keep_gate must be a gate that x or h feeds (a), got 'b'")
class BadKeepGate(Plain):
    keep_gate = "b"


@broken("declaration", "states must have different names, got h, h")
class TwiceTheSameState(Plain):
    states = ("h", "h")


@broken("declaration", "either gates or a step of its own, got both")
class Both(Plain):
    def step(self, parameters, inputs, states):
        return states


@broken("declaration", "a cell with gates must have update, got none")
class NoUpdate(Cell):
    gates = {"a": "xh"}


@broken("declaration", "must declare its shapes")
class StepWithoutShapes(Cell):
    def step(self, parameters, inputs, states):
        return states


@broken("declaration", "have a weight_hh_l0 (..., 32), which tells the hidden size")
class NoHiddenSize(Stepped):
    def shapes(self, input_size, hidden_size):
        return {"weight_ih_l0": (hidden_size, input_size)}


@broken("declaration", "NoConstructor.__init__ must call super().__init__(init=init)")
class NoConstructor(Plain):
    def __init__(self, *, scale=1.0):
        self.scale = scale


@broken("declaration", "vectors must have different names, got h, h")
class GateNamedAsAState(Plain):
    gates = {"h": "xh"}

    def update(self, a, h):
        return tanh(a + h)


@broken("shapes", "shapes must give v_l0 the shape (32,), got (1,)")
class ShortVector(WithAVector):
    def shapes(self, input_size, hidden_size):
        return {**super().shapes(input_size, hidden_size), "v_l0": (1,)}


@broken("shapes", "derive must give v_l0 the shape (32,), got (1,)")
class DerivesAScalar(ShortVector):
    """One number for all units, which must be given to each."""

    def derive(self, parameters):
        return {**parameters, "v_l0": sigmoid(parameters["v_l0"])}


@broken("shapes", "derive must give weight_ih_l0 the shape (32, 5), got none")
class DerivesThatAlone(WithAVector):
    def derive(self, parameters):
        return {"v_l0": sigmoid(parameters["v_l0"])}


@broken("shapes", "derive must return parameters by name, got NoneType")
class DerivesNothing(WithAVector):
    def derive(self, parameters):
        parameters["v_l0"] = sigmoid(parameters["v_l0"])


@broken("shapes", "shapes must have a weight_hh_l0 (..., H)")
class TellsNoHiddenSize(WithAVector):
    gates = {"a": "x"}

    def shapes(self, input_size, hidden_size):
        shapes = super().shapes(input_size, hidden_size)
        return {name: shapes[name] for name in ("weight_ih_l0", "bias_ih_l0", "v_l0")}


@broken("shapes", "prepare must return past, got passed")
class PreparesAnother(Prepared):
    def prepare(self, r, h):
        return {"passed": sigmoid(r) * h}


@broken("shapes", "prepare must return values by name, got Tensor")
class PreparesNoNames(Prepared):
    def prepare(self, r, h):
        return sigmoid(r) * h
