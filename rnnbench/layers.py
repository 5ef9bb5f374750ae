"""Put layers of a cell one above the other: plainly, or in residual blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import layer_norm, pad

from rnnbench.cell import Cell, Parameters, Shapes, uniform_

# Products are padded: one with a single column rounds differently alone and in a stack (see
# engine.reference).
COLUMNS, UNITS = 16, 32


@dataclass(frozen=True)
class Layers:
    """Stack layers of a cell, each in one or in both directions, as torch.nn does.

    A parameter that a cell calls `weight_ih_l0` is `weight_ih_l1` in the second layer and
    `weight_ih_l1_reverse` in its second direction, which reads the sequence from its end. The
    cell's outputs in both directions, side by side, are the next layer's input.

    Attributes:
        block: plain, or residual, see `Residual`.
        window: each layer sees its last so many inputs side by side, zeros before the first.
        precision: of the recurrent products, see `rnnbench.engine.triton.kernel.PRECISIONS`.
    """

    num_layers: int = 1
    bidirectional: bool = False
    block: str = "plain"
    window: int = 1
    precision: str = "strict"

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Layers:
        """Make the layers of a model's settings, or of others that have them."""
        return cls(**{each.name: model.get(each.name, each.default) for each in fields(cls)})

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def width(self, cell: Cell, hidden_size: int) -> int:
        """Return how many numbers a layer of the cell gives at a time step."""
        return hidden_size * len(cell.output_names) * self.directions

    def read_out_width(self, cell: Cell, hidden_size: int) -> int:
        """Return how many numbers the read-out, or the next layer, sees."""
        return hidden_size if self.block == "residual" else self.width(cell, hidden_size)

    def suffixes(self, layer: int) -> tuple[str, ...]:
        """Return the endings of parameters' names in a layer, one per direction."""
        return (f"_l{layer}", f"_l{layer}_reverse")[: self.directions]

    def shapes(self, cell: Cell, input_size: int, hidden_size: int) -> Shapes:
        """Return the shape of each of the cell's parameters in one replica, in torch.nn's order."""
        shapes: Shapes = {}
        for layer, size in enumerate(self.input_sizes(cell, input_size, hidden_size)):
            for suffix in self.suffixes(layer):
                for name, shape in cell.shapes(size, hidden_size).items():
                    shapes[_named(name, suffix)] = shape
        return shapes

    def input_sizes(self, cell: Cell, input_size: int, hidden_size: int) -> list[int]:
        """Return how many numbers the cell of each layer sees at a time step."""
        inner = self.read_out_width(cell, hidden_size)
        first = input_size if self.block == "plain" else inner
        return [size * self.window for size in [first, *[inner] * (self.num_layers - 1)]]

    def split(self, cell: Cell, parameters: Parameters) -> list[dict[str, Tensor]]:
        """Return the cell's parameters of each layer and direction, under its own names."""
        size = parameters["weight_hh_l0"].shape[-1]
        found = []
        for suffix in (each for layer in range(self.num_layers) for each in self.suffixes(layer)):
            features = parameters.get(f"weight_ih{suffix}", parameters["weight_hh_l0"]).shape[-1]
            names = cell.shapes(features, size)
            found.append({name: parameters[_named(name, suffix)] for name in names})
        return found

    def windows(self, inputs: Tensor) -> Tensor:
        """Put each time step's last `window` inputs `(R, T, B, F)` side by side, oldest first."""
        if self.window == 1:
            return inputs
        steps, behind = inputs.shape[1], pad(inputs, (0, 0, 0, 0, self.window - 1, 0))
        return torch.cat([behind[:, first : first + steps] for first in range(self.window)], -1)

    def block_shapes(self, cell: Cell, input_size: int, hidden_size: int) -> Shapes:
        """Return the shape of each parameter around the cell."""
        if self.block == "plain":
            return {}
        shapes: Shapes = {"embed_weight": (hidden_size, input_size), "embed_bias": (hidden_size,)}
        for layer in range(self.num_layers):
            shapes |= {
                f"norm_weight_l{layer}": (hidden_size,),
                f"norm_bias_l{layer}": (hidden_size,),
                f"glu_weight_l{layer}": (2 * hidden_size, self.width(cell, hidden_size)),
                f"glu_bias_l{layer}": (2 * hidden_size,),
            }
        return shapes

    def block_of(self, parameters: Parameters) -> Plain:
        return Residual(parameters) if self.block == "residual" else Plain(parameters)


ONE_LAYER = Layers()


def _named(name: str, suffix: str) -> str:
    return name.removesuffix("_l0") + suffix


class Plain:
    """What is around the cell in plain layers: nothing."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def initialize(self, generator: Generator) -> None:
        """Draw one replica's parameters in place."""

    def embed(self, inputs: Tensor) -> Tensor:
        """Return what the first layer gets `(R, T, B, N)`."""
        return inputs

    def normalized(self, layer: int, inputs: Tensor) -> Tensor:
        """Return what the cell of a layer sees `(R, T, B, N)`."""
        return inputs

    def added(self, layer: int, inputs: Tensor, found: Tensor) -> Tensor:
        """Return what a layer gives, of what it got and of what its cell has found."""
        return found


class Residual(Plain):
    """Residual blocks, normalised before the cell and with a gated linear unit behind it.

        x_0 = E u       x_(l+1) = x_l + a * sigmoid(b),   (a, b) = G cell(norm(x_l))

    As S5 (Smith et al., 2023, arXiv:2208.04933) and the LRU (Orvieto et al., 2023,
    arXiv:2303.06349) were published in; without dropout. The norm is over units (Ba et al., 2016,
    arXiv:1607.06450), the unit is Dauphin et al.'s (2017, arXiv:1612.08083).
    """

    def initialize(self, generator: Generator) -> None:
        for name, tensor in self.parameters.items():
            if name.startswith("norm_"):
                tensor.fill_(1.0 if "weight" in name else 0.0)
            elif "_weight" in name:
                bias = self.parameters[name.replace("_weight", "_bias")]
                initialize_linear(tensor, bias, generator)

    def embed(self, inputs: Tensor) -> Tensor:
        return multiply(inputs, self.parameters["embed_weight"], self.parameters["embed_bias"])

    def normalized(self, layer: int, inputs: Tensor) -> Tensor:
        weight, bias = (self.parameters[f"norm_{part}_l{layer}"] for part in ("weight", "bias"))
        plain = layer_norm(inputs, inputs.shape[-1:])
        return plain * weight[:, None, None] + bias[:, None, None]

    def added(self, layer: int, inputs: Tensor, found: Tensor) -> Tensor:
        weight, bias = (self.parameters[f"glu_{part}_l{layer}"] for part in ("weight", "bias"))
        parts = zip(weight.chunk(2, 1), bias.chunk(2, 1), strict=True)
        value, gate = (_padded(found, *own, UNITS) for own in parts)
        return inputs + (value * gate.sigmoid()).view(*found.shape[:3], -1)[..., : inputs.shape[-1]]


def multiply(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Map `(R, T, B, N)` to `(R, T, B, M)` with each replica's weight `(R, M, N)` and bias."""
    product = _padded(hidden, weight, bias, COLUMNS)
    return product[..., : bias.shape[-1]].view(*hidden.shape[:3], -1)


def _padded(hidden: Tensor, weight: Tensor, bias: Tensor, columns: int) -> Tensor:
    """Return the product `(R, T * B, M)`, M rounded up to whole `columns`."""
    (replicas, length, batch, size), rows = hidden.shape, bias.shape[-1]
    units, spare = -size % UNITS, -rows % columns
    flat = hidden.reshape(replicas, length * batch, size)
    return torch.baddbmm(
        pad(bias, (0, spare))[:, None],
        pad(flat, (0, units)) if units else flat,
        pad(weight, (0, units, 0, spare)).transpose(1, 2),
    )


def initialize_linear(weight: Tensor, bias: Tensor, generator: Generator) -> None:
    """Draw a weight `(M, N)` and its bias as nn.Linear does: from U[-1/sqrt(N), 1/sqrt(N)]."""
    bound = 1 / math.sqrt(weight.shape[-1])
    uniform_(weight, bound, generator)
    uniform_(bias, bound, generator)
