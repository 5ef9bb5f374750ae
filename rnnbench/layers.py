"""Wire a cell: in layers one above the other, plainly or in residual blocks, or over a tree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import layer_norm, pad

from rnnbench.cell import Cell, Parameters, Shapes, States, uniform_
from rnnbench.task import Task

# Products are padded: one with a single column rounds differently alone and in a stack (see
# engine.reference).
COLUMNS, UNITS = 16, 32
# Runs a cell for one time step on `(R, 1, B, N)`, from states `(R, B, H)` or zeros where None.
Step = Callable[[Tensor, States | None], tuple[Tensor, States]]


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
        wiring: chain, or balanced: one layer over a balanced tree of the inputs, see `run_tree`.
    """

    num_layers: int = 1
    bidirectional: bool = False
    block: str = "plain"
    window: int = 1
    precision: str = "strict"
    wiring: str = "chain"

    def __post_init__(self) -> None:
        """Check that a tree is of one plain layer.

        Raises:
            ValueError: it is not.
        """
        of_chains = [each for each in fields(self) if each.name not in ("precision", "wiring")]
        for name, default in ((each.name, each.default) for each in of_chains):
            if self.is_tree and getattr(self, name) != default:
                rule, found = (str(value).lower() for value in (default, getattr(self, name)))
                place = f"where model.wiring is {self.wiring}"
                raise ValueError(f"model.{name} must be {rule} {place}, got {found}")

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Layers:
        """Make the layers of a model's settings, which have its size as well."""
        return cls(**{each.name: model.get(each.name, each.default) for each in fields(cls)})

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def is_tree(self) -> bool:
        return self.wiring != "chain"

    def check(self, task: Task, cell: Cell) -> None:
        """Check that a task and a cell can be wired so; a chain takes all.

        Raises:
            ValueError: a tree, which has one root and a state at every node, cannot take them.
        """
        if self.is_tree and task.answer_length > 1:
            kind = f"a task with {task.answer_length} answers"
        elif self.is_tree and not cell.states:
            kind = f"{type(cell).__name__}, which reads whole sequences"
        else:
            return
        raise ValueError(f"model.wiring must be chain for {kind}, got {self.wiring}")

    def states_kept(self, steps: int) -> int:
        """Return how many states of the cell are kept at most, reading so many time steps.

        A tree keeps those of nodes which wait for their right siblings: as many as it has levels.
        """
        if self.is_tree:
            return max(1, steps.bit_length() - 1)
        return self.num_layers * self.directions

    def nodes(self, steps: int) -> list[int]:
        """Return how many sequences the cell reads at once for each that the model reads.

        A tree of so many time steps takes all nodes of a level together.
        """
        return [steps, *balanced(steps)] if self.is_tree else [1]

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
        embeds = self.block != "plain" or self.is_tree
        first = inner if embeds else input_size
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
        if self.block == "plain" and not self.is_tree:
            return {}
        width = self.read_out_width(cell, hidden_size)
        shapes: Shapes = {"embed_weight": (width, input_size), "embed_bias": (width,)}
        for layer in range(self.num_layers) if self.block == "residual" else ():
            shapes |= {
                f"norm_weight_l{layer}": (hidden_size,),
                f"norm_bias_l{layer}": (hidden_size,),
                f"glu_weight_l{layer}": (2 * hidden_size, self.width(cell, hidden_size)),
                f"glu_bias_l{layer}": (2 * hidden_size,),
            }
        return shapes

    def block_of(self, parameters: Parameters) -> Plain:
        around = Residual if self.block == "residual" else Embedded if self.is_tree else Plain
        return around(parameters)


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


class Embedded(Plain):
    """A linear map in front of the cell, which gets inputs as wide as its outputs."""

    def initialize(self, generator: Generator) -> None:
        weight, bias = self.parameters["embed_weight"], self.parameters["embed_bias"]
        initialize_linear(weight, bias, generator)

    def embed(self, inputs: Tensor) -> Tensor:
        return multiply(inputs, self.parameters["embed_weight"], self.parameters["embed_bias"])


class Residual(Embedded):
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

    def normalized(self, layer: int, inputs: Tensor) -> Tensor:
        weight, bias = (self.parameters[f"norm_{part}_l{layer}"] for part in ("weight", "bias"))
        plain = layer_norm(inputs, inputs.shape[-1:])
        return plain * weight[:, None, None] + bias[:, None, None]

    def added(self, layer: int, inputs: Tensor, found: Tensor) -> Tensor:
        weight, bias = (self.parameters[f"glu_{part}_l{layer}"] for part in ("weight", "bias"))
        parts = zip(weight.chunk(2, 1), bias.chunk(2, 1), strict=True)
        value, gate = (_padded(found, *own, UNITS) for own in parts)
        return inputs + (value * gate.sigmoid()).view(*found.shape[:3], -1)[..., : inputs.shape[-1]]


def balanced(leaves: int) -> list[int]:
    """Return the schedule, for `run_tree`, of a balanced tree with so many leaves.

    Where they are no power of two, the first leaves are merged by pairs until as many nodes are
    left as the next lower one. The paths of these leaves to the root, and so that of the oldest,
    have ceil(log2 leaves) merges, those of the others one less.
    """
    whole = 1 << leaves.bit_length() - 1
    first = [leaves - whole] if leaves > whole else []
    return [*first, *(whole >> level for level in range(1, whole.bit_length()))]


def run_tree(step: Step, leaves: Tensor, schedule: Sequence[int]) -> tuple[Tensor, States]:
    """Run a cell from the leaves of a binary tree to its root: a recursive network.

    A leaf is one step of the cell from the zero state. A node is one step whose state is its left
    child's and whose input is its right child's output (Socher et al., 2011, ICML, without a
    parser: the cell's own matrices take the place of theirs). What else the right child has
    in its states, such as an LSTM's c, goes no further.

    Nodes stand in the order of time. A level of the schedule merges the first so many pairs of
    neighbours in one batched step; the other nodes wait. `[1] * (T - 1)` is a comb: every left
    child is the chain so far.

    Args:
        step: of the cell.
        leaves: `(R, T, B, N)`, N as wide as the cell's outputs.
        schedule: pairs merged at each level, till one node is left.

    Returns:
        The root's output `(R, 1, B, N)` and states `(R, B, H)`.
    """
    outputs, states = _step_at_once(step, leaves, None)
    for pairs in schedule:
        end = 2 * pairs
        left = tuple(state[:, :end:2] for state in states)
        merged, new = _step_at_once(step, outputs[:, 1:end:2], left)
        outputs = _followed(merged, outputs[:, end:])
        waiting = (state[:, end:] for state in states)
        states = tuple(map(_followed, new, waiting))
    return outputs, tuple(state[:, 0] for state in states)


def _followed(merged: Tensor, waiting: Tensor) -> Tensor:
    return torch.cat([merged, waiting], 1) if waiting.shape[1] else merged


def _step_at_once(step: Step, inputs: Tensor, states: States | None) -> tuple[Tensor, States]:
    """Advance nodes `(R, nodes, B, N)` by one step, as if they were one batch."""
    shape = inputs.shape[:3]
    given = None if states is None else tuple(state.flatten(1, 2) for state in states)
    outputs, finals = step(inputs.flatten(1, 2)[:, None], given)
    return outputs.view(*shape, -1), tuple(final.view(*shape, -1) for final in finals)


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
