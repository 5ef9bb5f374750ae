"""Build a model: layers of a cell with a linear read-out, for a stack of replicas; and its size."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from rnnbench.cell import Cell, Parameters, Shapes, States, uniform_
from rnnbench.engine import get_engine
from rnnbench.task import Task

Match = Literal["hidden", "parameters", "state"]
# The read-out is padded: a product with one output column rounds differently alone and in a stack
# (see engine.reference).
COLUMNS, UNITS = 16, 32


@dataclass(frozen=True)
class Layers:
    """Stack layers of a cell, each in one or in both directions, as torch.nn does.

    A parameter that a cell calls `weight_ih_l0` is `weight_ih_l1` in the second layer and
    `weight_ih_l1_reverse` in its second direction, which reads the sequence from its end. The
    cell's outputs in both directions, side by side, are the next layer's input.
    """

    num_layers: int = 1
    bidirectional: bool = False

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def width(self, cell: Cell, hidden_size: int) -> int:
        """Return how many numbers of a layer the next one or the read-out sees."""
        return hidden_size * len(cell.output_names) * self.directions

    def suffixes(self, layer: int) -> tuple[str, ...]:
        """Return the endings of parameters' names in a layer, one per direction."""
        return (f"_l{layer}", f"_l{layer}_reverse")[: self.directions]

    def shapes(self, cell: Cell, input_size: int, hidden_size: int) -> Shapes:
        """Return the shape of every parameter of one replica, in torch.nn's order."""
        shapes: Shapes = {}
        for layer in range(self.num_layers):
            size = input_size if layer == 0 else self.width(cell, hidden_size)
            for suffix in self.suffixes(layer):
                for name, shape in cell.shapes(size, hidden_size).items():
                    shapes[_named(name, suffix)] = shape
        return shapes

    def split(self, cell: Cell, parameters: Parameters) -> list[dict[str, Tensor]]:
        """Return the parameters of each layer and direction, under the cell's own names."""
        names = list(cell.shapes(1, 1))
        return [
            {name: parameters[_named(name, suffix)] for name in names}
            for layer in range(self.num_layers)
            for suffix in self.suffixes(layer)
        ]


def _named(name: str, suffix: str) -> str:
    return name.removesuffix("_l0") + suffix


ONE_LAYER = Layers()


class SequenceModel:
    """Compute what `nn.LSTM` and `nn.Linear` compute in a tutorial, for any cell and many replicas.

    Attributes:
        parameters: name to `(R, ...)`. Names are those of a torch module with the cell as `rnn`
            and an `nn.Linear` as `readout`: `rnn.weight_ih_l0`, ..., `readout.bias`.
    """

    def __init__(
        self,
        cell: Cell,
        parameters: Parameters,
        engine: str = "reference",
        layers: Layers = ONE_LAYER,
    ) -> None:
        self.cell, self.layers = cell, layers
        self.engine, self.parameters = get_engine(engine), dict(parameters)

    def __repr__(self) -> str:
        """Return the cell, the sizes, and how many parameters each replica has."""
        replicas, outputs, width = self.parameters["readout.weight"].shape
        features = "" if self.features is None else f"{self.features} features, "
        directions = " in both directions" if self.layers.bidirectional else ""
        count = sum(tensor[0].numel() for tensor in self.parameters.values())
        return (
            f"SequenceModel({type(self.cell).__name__}: {features}hidden size "
            f"{width // self.layers.width(self.cell, 1)}, {outputs} outputs, layers "
            f"{self.layers.num_layers}{directions}, {count} parameters, replicas {replicas})"
        )

    @property
    def features(self) -> int | None:
        """Return the size F of an input; None where the cell's parameters do not tell it."""
        weight = self._parameters.get("rnn.weight_ih_l0")
        return None if weight is None else weight.shape[-1]

    @property
    def parameters(self) -> dict[str, Tensor]:
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: dict[str, Tensor]) -> None:
        self._parameters = parameters
        self._recurrences = self.layers.split(self.cell, _recurrent(parameters))

    def __call__(
        self, inputs: Tensor, states: States | None = None, *, last: int | None = None
    ) -> tuple[Tensor, States]:
        """Run whole sequences.

        Args:
            inputs: `(R, T, B, F)`, or `(T, B, F)` for a model of one replica.
            states: `(R, layers * directions, B, H)` each (without R likewise); zeros where None.
            last: read out the last so many time steps only; all where None.

        Returns:
            Outputs `(R, last, B, output_size)` and final states, without R where inputs lack it.

        Raises:
            ValueError: inputs have another shape, or are of another type than the parameters.
        """
        self._check(inputs)
        if inputs.ndim == 3:
            stacked = None if states is None else tuple(state[None] for state in states)
            outputs, finals = self(inputs[None], stacked, last=last)
            return outputs[0], tuple(state[0] for state in finals)
        hidden, finals = self.hidden(inputs, states, last)
        return self._read_out(hidden), finals

    def _check(self, inputs: Tensor) -> None:
        weight = self._parameters["readout.weight"]
        stacked = f"({len(weight)}, T, B, {'F' if self.features is None else self.features})"
        shape = stacked if len(weight) > 1 else f"{stacked} or {stacked.replace('1, ', '', 1)}"
        if not isinstance(inputs, Tensor):
            raise ValueError(f"inputs must be a tensor {shape}, got a {type(inputs).__name__}")
        found = tuple(inputs.shape)
        replicas = found[0] if len(found) == 4 else 1
        fits = len(found) in (3, 4) and replicas == len(weight) and all(found)
        if not fits or self.features not in (None, found[-1]):
            raise ValueError(f"inputs must be {shape}, got {found}")
        if inputs.dtype != weight.dtype:
            raise ValueError(f"inputs must be {weight.dtype}, as the weights, got {inputs.dtype}")

    def hidden(
        self, inputs: Tensor, states: States | None = None, last: int | None = None
    ) -> tuple[Tensor, States]:
        """Run all layers without the read-out; outputs are `(R, last, B, width)`."""
        finals: list[States] = []
        for layer in range(self.layers.num_layers):
            keep = last if layer == self.layers.num_layers - 1 else None
            outputs = []
            for backwards in (False, True)[: self.layers.directions]:
                own = self._recurrences[len(finals)]
                given = None if states is None else tuple(s[:, len(finals)] for s in states)
                read = (inputs.flip(1), given, None) if backwards else (inputs, given, keep)
                output, final = self.engine(self.cell, own, *read)
                outputs.append(output[:, :keep].flip(1) if backwards else output)
                finals.append(final)
            inputs = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
        return inputs, tuple(torch.stack(each, 1) for each in zip(*finals, strict=True))

    def step(self, inputs: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Advance one time step: inputs `(R, B, F)` or `(B, F)`; the rest as in `__call__`."""
        time = inputs.ndim - 2
        outputs, finals = self(inputs.unsqueeze(time), states)
        return outputs.squeeze(time), finals

    def state_dict(self, replica: int = 0) -> dict[str, Tensor]:
        """Return a copy of one replica's parameters, as a torch module has them."""
        return {name: tensor[replica].clone() for name, tensor in self.parameters.items()}

    def _read_out(self, hidden: Tensor) -> Tensor:
        weight, bias = self.parameters["readout.weight"], self.parameters["readout.bias"]
        (replicas, length, batch, size), columns = hidden.shape, bias.shape[-1]
        units, spare = -size % UNITS, -columns % COLUMNS
        flat = hidden.reshape(replicas, length * batch, size)
        product = torch.baddbmm(
            pad(bias, (0, spare))[:, None],
            pad(flat, (0, units)) if units else flat,
            pad(weight, (0, units, 0, spare)).transpose(1, 2),
        )
        return product[..., :columns].view(replicas, length, batch, columns)


def model_shapes(
    cell: Cell, input_size: int, hidden_size: int, output_size: int, layers: Layers = ONE_LAYER
) -> Shapes:
    """Return the shape of every parameter of one replica."""
    shapes = layers.shapes(cell, input_size, hidden_size)
    return {
        **{f"rnn.{name}": shape for name, shape in shapes.items()},
        "readout.weight": (output_size, layers.width(cell, hidden_size)),
        "readout.bias": (output_size,),
    }


def initialize(
    cell: Cell, parameters: Parameters, generator: Generator, gap: int, layers: Layers = ONE_LAYER
) -> None:
    """Draw one replica's parameters in place, those of the read-out as nn.Linear does."""
    for own in layers.split(cell, _recurrent(parameters)):
        cell.initialize(own, generator, gap=gap)
    bound = 1 / math.sqrt(parameters["readout.weight"].shape[-1])
    uniform_(parameters["readout.weight"], bound, generator)
    uniform_(parameters["readout.bias"], bound, generator)


def _recurrent(parameters: Parameters) -> dict[str, Tensor]:
    """Return the parameters of all layers, without the prefix `rnn.`."""
    return {name.removeprefix("rnn."): v for name, v in parameters.items() if name[:4] == "rnn."}


def matched_size(
    match: Match, hidden_size: int, task: Task, cell: Cell, standard: Cell, layers: Layers
) -> int:
    """Return the hidden size at which a cell is as large as the standard cell at `hidden_size`.

    `match` says what is to be equal: the number of hidden units, of trained parameters (with the
    read-out's) or of values carried from one time step to the next. The nearest size is returned,
    at least 1; of two equally near the smaller.
    """
    if match == "hidden":
        return hidden_size
    count = count_parameters if match == "parameters" else count_state
    wanted = count(task, standard, layers, hidden_size)
    own = partial(count, task, cell, layers)
    above = bisect_left(range(2**30), wanted, lo=1, key=own)
    return min((max(above - 1, 1), above), key=lambda size: abs(own(size) - wanted))


def count_parameters(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Count the trained numbers of one replica."""
    shapes = model_shapes(cell, task.input_size, hidden_size, task.output_size, layers)
    return sum(math.prod(shape) for shape in shapes.values())


def count_state(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Count the numbers that one replica carries from one time step to the next."""
    return hidden_size * len(cell.states) * layers.num_layers * layers.directions
