"""The compiled engine: a kernel generated from the cell's own definition, with its gradients."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from rnnbench.cell import Cell
from rnnbench.engine.base import Parameters, States
from rnnbench.engine.compiled.build import load, source
from rnnbench.engine.compiled.emit import emit

SIZES = ("replicas", "steps", "batch", "features", "hidden", "scored", "keep")
ARRAYS = (
    *("inputs", "weight_x", "weight_h", "bias", "vectors", "states", "saved"),
    *("d_outputs", "d_states", "d_weight_x", "d_weight_h", "d_bias", "d_vectors", "d_inputs"),
)


class Call(ctypes.Structure):
    """The kernel's arguments, as recurrence.h declares them."""

    _fields_ = [(name, ctypes.c_int64) for name in SIZES]
    _fields_ += [(name, ctypes.c_void_p) for name in ARRAYS]


class Kernel:
    """The compiled functions of one cell.

    Attributes:
        width: blocks of hidden units that a time step keeps for the backward pass.
    """

    def __init__(self, cell: Cell) -> None:
        self.library = load(source(emit(cell)))
        self.width: int = self.library.saved_width()
        self._panel_bytes: int = self.library.panel_bytes()

    def padded(self, size: int, dtype: torch.dtype) -> int:
        """Return a number of hidden units, rounded up to whole panels."""
        unit = self._panel_bytes // dtype.itemsize
        return -(-size // unit) * unit

    def call(self, name: str, sizes: Mapping[str, int], arrays: Mapping[str, Tensor]) -> None:
        """Run `forward` or `backward`; arrays are contiguous and of one type."""
        dtype = str(arrays["inputs"].dtype).removeprefix("torch.")
        addresses = {key: array.data_ptr() for key, array in arrays.items()}
        getattr(self.library, f"{name}_{dtype}")(ctypes.byref(Call(**sizes, **addresses)))


@cache
def kernel_of(cell: Cell) -> Kernel:
    """Return the kernel of a cell, built at its first use.

    Raises:
        ValueError: the cell cannot be compiled, or there is no compiler.
    """
    if not cell.declared:
        kind = type(cell).__name__
        raise ValueError(f"engine must be reference for a cell given by its step, got {kind}")
    return Kernel(cell)


def run_compiled(
    cell: Cell,
    parameters: Parameters,
    inputs: Tensor,
    states: States | None = None,
    *,
    last: int | None = None,
) -> tuple[Tensor, States]:
    """Run a cell's kernel; see `rnnbench.engine.Engine`."""
    kernel = kernel_of(cell)
    (replicas, steps, batch, _), size = inputs.shape, parameters["weight_hh_l0"].shape[-1]
    if states is None:
        states = tuple(inputs.new_zeros(replicas, batch, size) for _ in cell.states)
    room = kernel.padded(size, inputs.dtype) - size
    vectors = [parameters[f"{name}_l0"] for name in cell.vectors]
    arguments = (
        inputs.contiguous(),
        parameters["weight_ih_l0"].contiguous(),
        parameters["weight_hh_l0"].contiguous(),
        pad(_bias(cell, parameters, size), (0, room)),
        pad(torch.stack(vectors, 1), (0, room)) if vectors else inputs.new_zeros(replicas, 0, 1),
        pad(torch.stack(states), (0, room)),
    )
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in arguments)
    scored = steps if last is None else last
    outputs, finals = _Recurrence.apply(kernel, scored, keep, *arguments)  # type: ignore[no-untyped-call]
    return outputs[..., :size], tuple(finals[..., :size].unbind(0))


def _bias(cell: Cell, parameters: Parameters, size: int) -> Tensor:
    """Return what is added to each gate's pre-activation, whatever feeds it: `(R, gates, H)`."""
    sides = {"x": parameters["bias_ih_l0"], "h": parameters["bias_hh_l0"]}
    by_side = {
        source: dict(zip(cell.fed_by(source), bias.split(size, 1), strict=True))  # type: ignore[no-untyped-call]
        for source, bias in sides.items()
    }
    parts = [[by_side[source][gate] for source in fed] for gate, fed in cell.gates.items()]
    return torch.stack([torch.stack(part).sum(0) for part in parts], 1)


class _Recurrence(torch.autograd.Function):
    """The kernel as one differentiable operation; hidden units are padded on both sides."""

    @staticmethod
    def forward(
        ctx: Any,
        kernel: Kernel,
        scored: int,
        keep: bool,
        inputs: Tensor,
        weight_x: Tensor,
        weight_h: Tensor,
        bias: Tensor,
        vectors: Tensor,
        initial: Tensor,
    ) -> tuple[Tensor, Tensor]:
        replicas, steps, batch, features = inputs.shape
        count, room = len(initial), initial.shape[-1]
        states = inputs.new_empty(count, replicas, steps + 1, batch, room)
        states[:, :, 0] = initial
        kept = steps if keep else 1
        saved = inputs.new_empty(replicas, kept, batch, kernel.width, room)
        sizes = dict(zip(SIZES, (replicas, steps, batch, features), strict=False))
        sizes |= {"hidden": weight_h.shape[-1], "scored": scored, "keep": int(keep)}
        arrays = dict(zip(ARRAYS, (inputs, weight_x, weight_h, bias, vectors), strict=False))
        arrays |= {"states": states, "saved": saved}
        kernel.call("forward", sizes, arrays)
        ctx.kernel, ctx.sizes, ctx.arrays = kernel, sizes, arrays
        return states[0, :, steps + 1 - scored :].clone(), states[:, :, steps].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_finals: Tensor) -> tuple[Tensor | None, ...]:
        arrays = dict(ctx.arrays)
        like = {name: torch.empty_like(arrays[name]) for name in ("weight_x", "weight_h", "bias")}
        gradients = {f"d_{name}": tensor for name, tensor in like.items()}
        gradients["d_vectors"] = torch.zeros_like(arrays["vectors"])
        if ctx.needs_input_grad[3]:
            gradients["d_inputs"] = torch.empty_like(arrays["inputs"])
        d_states = d_finals.clone(memory_format=torch.contiguous_format)
        arrays |= {"d_outputs": d_outputs.contiguous(), "d_states": d_states}
        ctx.kernel.call("backward", ctx.sizes, arrays | gradients)
        order = ("d_weight_x", "d_weight_h", "d_bias", "d_vectors")
        results = [gradients.get("d_inputs"), *(gradients[name] for name in order), d_states]
        return (None, None, None, *results)
