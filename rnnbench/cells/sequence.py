"""Cells that read a whole sequence at once: any torch module, as a line to compare with."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from rnnbench.cell import Cell, Parameters, Shapes


class SequenceCell(Cell):
    """Base class of cells without a time step: a torch module from `(T, B, F)` to `(T, B, H)`.

    A subclass has `build` and `count_state`. It runs on the reference engine alone, one replica
    after the other, in evaluation mode: without dropout. It starts as the module does, whose
    parameters have `_l0` behind their names; two empty ones tell the sizes.
    """

    states = ()
    outputs = ("h",)

    def build(self, input_size: int, hidden_size: int) -> nn.Module:
        """Build the module, which maps `(T, B, F)` to `(T, B, H)`."""
        raise NotImplementedError(f"{type(self).__name__} declares no build")

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        named = self._module(input_size, hidden_size).named_parameters()
        own = {f"{name}_l0": tuple(parameter.shape) for name, parameter in named}
        return {"weight_ih_l0": (0, input_size), "weight_hh_l0": (0, hidden_size), **own}

    def initialize(self, parameters: Parameters, generator: Generator, *, gap: int) -> None:
        """Copy what the module draws at the sizes of these parameters, seeded by `generator`."""
        seed = int(torch.randint(2**62, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = self.build(*_sizes(parameters))
        for name, drawn in module.named_parameters():
            parameters[f"{name}_l0"].copy_(drawn.detach())

    def run(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Return the outputs `(T, B, H)` of one replica, whose parameters have no axis R.

        Raises:
            ValueError: the module returns something else.
        """
        input_size, hidden_size = _sizes(parameters)
        module = self._module(input_size, hidden_size)
        used = {name: parameters[f"{name}_l0"] for name, _ in module.named_parameters()}
        for name, buffer in module.named_buffers():
            kind = inputs.dtype if buffer.is_floating_point() else buffer.dtype
            used[name] = buffer.to(inputs.device, kind)
        outputs = functional_call(module, used, (inputs,))
        expected = (*inputs.shape[:2], hidden_size)
        if not isinstance(outputs, Tensor) or outputs.shape != expected:
            found = tuple(getattr(outputs, "shape", ())) or type(outputs).__name__
            raise ValueError(f"the module must return outputs (T, B, H) {expected}, got {found}")
        return outputs

    @cached_property
    def _built(self) -> dict[tuple[int, int], nn.Module]:
        return {}

    def _module(self, input_size: int, hidden_size: int) -> nn.Module:
        """Return the module, built once for its sizes; its own weights are never used."""
        if (input_size, hidden_size) not in self._built:
            with torch.random.fork_rng(devices=[]):
                module = self.build(input_size, hidden_size)
            self._built[input_size, hidden_size] = module.eval().requires_grad_(False)
        return self._built[input_size, hidden_size]


def _sizes(parameters: Parameters) -> tuple[int, int]:
    return parameters["weight_ih_l0"].shape[-1], parameters["weight_hh_l0"].shape[-1]
