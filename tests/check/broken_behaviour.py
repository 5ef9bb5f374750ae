"""Cells that are declared well, and compute what a cell must not."""

import torch
from torch import sigmoid, tanh

from rnnbench.cells import GRU, LSTM
from tests.check.broken import Plain, Stepped, broken


@broken("causality", "must not depend on later inputs, got time step 0 changed by 1")
class LooksAhead(Stepped):
    """A time step's inputs are a view of the whole sequence."""

    def push(self, inputs):
        whole = inputs._base
        if whole is None or whole.ndim != 4:
            return inputs
        steps = whole.unbind(1)
        own = [x.data_ptr() for x in steps].index(inputs.data_ptr())
        return inputs + steps[min(own + 1, len(steps) - 1)]


@broken("stepping", "must be the whole sequence")
class KnowsWhereItStarts(Stepped):
    """The first time step of a call counts double."""

    def push(self, inputs):
        whole = inputs._base
        first = whole is not None and whole.data_ptr() == inputs.data_ptr()
        return inputs * 2 if first else inputs


@broken("batch", "a sequence must not depend on the others")
class MixesTheBatch(Plain):
    def update(self, a, h):
        return tanh(a + 0.1 * a.mean(-2, keepdim=True))


@broken("stacking", "bitwise the same alone and in a stack")
class MixesReplicas(Plain):
    """A replica's own share is that of a network alone."""

    def update(self, a, h):
        return tanh(a + 0.1 * a.mean(0))


@broken("use", "no use of state c, gate f (weight_ih_l0)")
class ForgetsItsState(LSTM):
    def update(self, i, f, g, o, h, c):
        c = sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c + 0 * f), c


@broken("use", "no use of v_l0")
class ForgetsAVector(Plain):
    vectors = ("v",)

    def update(self, a, h, v):
        return tanh(a)


@broken("purity", "update must leave h as it is, got it changed in place")
class InPlace(Plain):
    def update(self, a, h):
        return tanh(a + h.mul_(0.5))


@broken("purity", "step must leave inputs as it is, got it changed in place")
class StepInPlace(Stepped):
    def push(self, inputs):
        return inputs.mul_(2)


@broken("determinism", "random numbers, or a memory")
class Dice(Plain):
    def update(self, a, h):
        return tanh(a) * (torch.rand_like(a) > 0.1)


@broken("determinism", "random numbers, or a memory")
class Memory(Plain):
    calls = 0

    def update(self, a, h):
        Memory.calls += 1
        return tanh(a + 1e-3 * Memory.calls)


@broken("gradient", "apart: is something detached?")
class Detached(Plain):
    def update(self, a, h):
        return tanh(a + 0.3 * h.detach())


@broken("gradient", "apart: is something detached?")
class RoundedGradient(Plain):
    def update(self, a, h):
        return tanh(a) + (0.1 * a - 0.1 * a.detach())


@broken("gradient", "outputs must have a gradient, got none")
class AllDetached(Plain):
    def update(self, a, h):
        return tanh(a.detach())


@broken("compiled", "the kernel must agree with the reference engine to 1e-12")
class AnotherKernel(Plain):
    """The kernel is made from one example, which is a row of four."""

    def update(self, a, h):
        return tanh(a) if a.ndim > 1 else tanh(2 * a)


@broken("start", "must depend on the seed alone")
class GlobalDice(Plain):
    def initialize(self, parameters, generator, *, gap):
        for tensor in parameters.values():
            tensor.uniform_(-0.1, 0.1)


@broken("start", "must be finite, got others in weight_ih_l0")
class HalfInitialized(Plain):
    def initialize(self, parameters, generator, *, gap):
        super().initialize({"weight_hh_l0": parameters["weight_hh_l0"]}, generator, gap=gap)


@broken("start", "seeds must draw different initial values")
class NoSeed(Plain):
    def initialize(self, parameters, generator, *, gap):
        for tensor in parameters.values():
            tensor.fill_(0.1)


@broken("start", "keep_bias must be added once to the bias of gate z, got bias_ih")
class BiasElsewhere(GRU):
    def initialize(self, parameters, generator, *, gap):
        super().initialize(parameters, generator, gap=gap)
        parameters["bias_ih_l0"].add_(self.keep_bias)


@broken("size", "parameters must be 1248, as gates and vectors make, got 1280")
class TooManyParameters(Plain):
    def shapes(self, input_size, hidden_size):
        return {**super().shapes(input_size, hidden_size), "spare_l0": (hidden_size,)}


@broken("endurance", "must stay below 1e+06 over 1000 time steps of noise")
class BlowsUp(Plain):
    def update(self, a, h):
        return 1.2 * h + 0.1 * tanh(a)


@broken("endurance", "got nan in h at 301")
class NanLater(Plain):
    """A count in a state runs over after 300 time steps."""

    states = ("h", "n")

    def update(self, a, h, n):
        return tanh(a) + 0 * torch.sqrt(300 - n) + 1e-9 * n, n + 1


@broken("learning", "recall over 3 time steps must reach 0.44 (chance 0.25), got")
class CannotLearn(Plain):
    def update(self, a, h):
        return tanh(1e-7 * a + 1e-9 * h)
