"""Run a cell's compiled kernel, forward and backward, as one operation of autograd."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnbench.cell import Cell, Parameters, States, weight_of
from rnnbench.engine.compiled.build import load, source
from rnnbench.engine.compiled.codegen import emit

SIZES = ("replicas", "steps", "batch", "features", "hidden", "scored", "keep")
ARGUMENTS = ("inputs", "weight_x", "weight_h", "bias_x", "bias_h", "vectors", "initial")
RESULTS = ("states", "saved", "outputs", "finals", "d_outputs", "d_finals")
# The kernel always computes the first five of these, the others where they are asked for.
GRADIENTS = ("weight_x", "weight_h", "bias_x", "bias_h", "vectors", "inputs", "initial")
ARRAYS = (*ARGUMENTS, *RESULTS, *(f"d_{name}" for name in GRADIENTS))
PARAMETERS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class Call(ctypes.Structure):
    """Hold the kernel's arguments, in the order of `Call` in recurrence.h."""

    _fields_ = [(name, ctypes.c_int64) for name in SIZES]
    _fields_ += [(name, ctypes.c_void_p) for name in ARRAYS]


class Kernel:
    """Build and call the compiled functions of one cell.

    Attributes:
        identity: the same for the same source, compiler, flags and processor.
        width: blocks of hidden units that a time step works on.
        saves: whether these blocks are kept for the backward pass; it may need the states alone.
    """

    def __init__(self, cell: Cell) -> None:
        self.library = load(source(emit(cell)))
        # What it was built from and with, as the cache names it.
        self.identity = Path(self.library._name).stem
        self.vectors = [f"{name}_l0" for name in cell.vectors]
        self.other_weights = [weight_of(name) for name in cell.links() if name != "h"]
        self.states = len(cell.states)
        self.rows: int = self.library.rows()
        self.outputs = len(cell.output_names)
        self.width: int = self.library.width()
        self.saves = bool(self.library.saved())
        self._panel_bytes: int = self.library.panel_bytes()

    def padded(self, size: int, dtype: torch.dtype) -> int:
        """Return a number of hidden units, rounded up to whole panels of the matrix product."""
        unit = self._panel_bytes // dtype.itemsize
        return -(-size // unit) * unit

    def call(self, name: str, sizes: Mapping[str, int], arrays: Mapping[str, Tensor]) -> None:
        """Run `forward` or `backward`; arrays are contiguous and of one type."""
        dtype = str(arrays["inputs"].dtype).removeprefix("torch.")
        addresses = {key: array.data_ptr() for key, array in arrays.items()}
        getattr(self.library, f"{name}_{dtype}")(ctypes.byref(Call(**sizes, **addresses)))


_kernels: WeakKeyDictionary[Cell, Kernel] = WeakKeyDictionary()


def kernel_of(cell: Cell) -> Kernel:
    """Return the kernel of a cell, built at its first use and kept as long as the cell is.

    Raises:
        ValueError: the cell cannot be compiled, or there is no compiler.
    """
    if not cell.declared:
        kind = type(cell).__name__
        raise ValueError(f"engine must be reference for a cell without gates, got {kind}")
    if cell not in _kernels:
        _kernels[cell] = Kernel(cell)
    return _kernels[cell]


def run_compiled(
    cell: Cell, parameters: Parameters, inputs: Tensor, states: States | None, last: int | None
) -> tuple[Tensor, States]:
    """Run a cell's kernel; see `run_reference`."""
    kernel = kernel_of(cell)
    vectors = [parameters[name] for name in kernel.vectors]
    others = [parameters[name] for name in kernel.other_weights]
    weight_x, weight_h, *biases = (parameters[name] for name in PARAMETERS)
    arguments = (
        inputs,
        weight_x,
        torch.cat([weight_h, *others], 1) if others else weight_h,
        *biases,
        torch.stack(vectors, 1) if vectors else None,
        None if states is None else torch.stack(states),
    )
    keep = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in arguments)
    scored = inputs.shape[1] if last is None else last
    outputs, finals = _Recurrence.apply(kernel, scored, keep, *arguments)  # type: ignore[no-untyped-call]
    return outputs, finals.unbind(0)


class _Recurrence(torch.autograd.Function):
    """Wrap the kernel as one differentiable operation of torch."""

    @staticmethod
    def forward(
        ctx: Any, kernel: Kernel, scored: int, keep: bool, *arguments: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        given = zip(ARGUMENTS, arguments, strict=True)
        arrays = {name: x.contiguous() for name, x in given if x is not None}
        inputs, size = arrays["inputs"], arrays["weight_h"].shape[-1]
        replicas, steps, batch, features = inputs.shape
        numbers = (replicas, steps, batch, features, size, scored, int(keep))
        sizes = dict(zip(SIZES, numbers, strict=True))
        room = kernel.padded(size, inputs.dtype)
        kept = (replicas, steps) if keep and kernel.saves else (1, 1)
        arrays |= {
            "states": inputs.new_empty(kernel.rows, replicas, steps + 1, batch, room),
            "saved": inputs.new_empty(*kept, batch, kernel.width, room),
            "outputs": inputs.new_empty(replicas, scored, batch, kernel.outputs * size),
            "finals": inputs.new_empty(kernel.states, replicas, batch, size),
        }
        kernel.call("forward", sizes, arrays)
        outputs, finals = arrays.pop("outputs"), arrays.pop("finals")
        ctx.kernel, ctx.sizes, ctx.arrays = kernel, sizes, arrays
        ctx.set_materialize_grads(False)
        return outputs, finals

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_outputs: Tensor | None, d_finals: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        arrays = dict(ctx.arrays)
        for name, tensor in (("d_outputs", d_outputs), ("d_finals", d_finals)):
            if tensor is not None:
                arrays[name] = tensor.contiguous()
        needed = dict(zip(ARGUMENTS, ctx.needs_input_grad[3:], strict=True))
        gradients = {
            name: torch.empty_like(array)
            for name, array in arrays.items()
            if needed.get(name) or name in GRADIENTS[:5]
        }
        arrays |= {f"d_{name}": tensor for name, tensor in gradients.items()}
        ctx.kernel.call("backward", ctx.sizes, arrays)
        return (None, None, None, *(gradients.get(name) for name in ARGUMENTS))
