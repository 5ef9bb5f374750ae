"""Named ways to draw a cell's initial parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import torch
from torch import Generator, Tensor

if TYPE_CHECKING:
    from rnnbench.cell import Cell

Initialization = Literal["torch", "glorot", "orthogonal", "chrono"]
Initializer = Callable[["Cell", Mapping[str, Tensor], Generator, int], None]


def uniform_(tensor: Tensor, bound: float, generator: Generator) -> None:
    """Fill with U[-bound, bound], drawn in float32 whatever the tensor's type."""
    draw = torch.rand(tensor.shape, generator=generator, dtype=torch.float32)
    tensor.copy_((2 * draw - 1) * bound)


def torch_default(
    cell: Cell, parameters: Mapping[str, Tensor], generator: Generator, gap: int
) -> None:
    """Draw every parameter from U[-1/sqrt(H), 1/sqrt(H)], as torch.nn.RNNBase does."""
    bound = 1 / math.sqrt(_hidden_size(parameters))
    for tensor in parameters.values():
        uniform_(tensor, bound, generator)


def glorot(cell: Cell, parameters: Mapping[str, Tensor], generator: Generator, gap: int) -> None:
    """Draw each gate's matrices from U[-b, b], b = sqrt(6 / (inputs + outputs)); biases are 0.

    Glorot & Bengio (2010, AISTATS). Per-unit vectors, which have no fan, are torch's default.
    """
    torch_default(cell, parameters, generator, gap)
    size = _hidden_size(parameters)
    for name, tensor in parameters.items():
        if name.startswith("weight_"):
            uniform_(tensor, math.sqrt(6 / (tensor.shape[-1] + size)), generator)
        elif name.startswith("bias_"):
            tensor.zero_()


def orthogonal(
    cell: Cell, parameters: Mapping[str, Tensor], generator: Generator, gap: int
) -> None:
    """Draw each gate's recurrent matrix orthogonal (Saxe et al., 2013, arXiv:1312.6120).

    The rest is torch's default. Q of a Gaussian matrix's QR decomposition, its signs fixed by
    R's diagonal so that Q is uniform (Mezzadri, 2007, arXiv:math-ph/0609050).
    """
    torch_default(cell, parameters, generator, gap)
    size = _hidden_size(parameters)
    recurrent = parameters["weight_hh_l0"]
    for block in torch.split(recurrent, size) if len(recurrent) else ():
        gaussian = torch.randn(size, size, generator=generator, dtype=torch.float32)
        q, r = torch.linalg.qr(gaussian.double())
        block.copy_((q * r.diagonal().sign()).float())


def chrono(cell: Cell, parameters: Mapping[str, Tensor], generator: Generator, gap: int) -> None:
    """Draw the keep gate's bias as log U[1, gap - 1] (Tallec & Ollivier, 2018, arXiv:1804.11188).

    The input gate, where there is one, gets the opposite bias; both gates'
    `bias_ih` is 0. The paper's T_max is the declared gap. The rest is torch's default.
    """
    torch_default(cell, parameters, generator, gap)
    draw = torch.rand(_hidden_size(parameters), generator=generator, dtype=torch.float32)
    bias = (1 + draw * max(gap - 2, 0)).log()
    for gate, value in ((cell.keep_gate, bias), (cell.input_gate, -bias)):
        if gate is not None:
            cell.bias_of(gate, parameters["bias_hh_l0"], "h").copy_(value)
            cell.bias_of(gate, parameters["bias_ih_l0"], "x").zero_()


def _hidden_size(parameters: Mapping[str, Tensor]) -> int:
    return parameters["weight_hh_l0"].shape[-1]


INITIALIZATIONS: dict[str, Initializer] = {
    "torch": torch_default,
    "glorot": glorot,
    "orthogonal": orthogonal,
    "chrono": chrono,
}
