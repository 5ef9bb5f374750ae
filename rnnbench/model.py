"""Layers and directions: a cell's recurrences wired one above the other, as torch.nn does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from rnnbench.cell import Cell, Shapes, uniform_
from rnnbench.engine import Engine, Parameters, States, get_engine
from rnnbench.task import Task


@dataclass(frozen=True)
class Layers:
    """How many layers there are, and whether each is run in both directions.

    A parameter that a cell calls `weight_ih_l0` is `weight_ih_l1` in the second layer and
    `weight_ih_l1_reverse` in its second direction, which reads the sequence from its end; the
    outputs of both directions, side by side, are the next layer's input.
    """

    num_layers: int = 1
    bidirectional: bool = False

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def suffixes(self, layer: int) -> tuple[str, ...]:
        """Return what parameters end in, one for each direction of a layer."""
        return (f"_l{layer}", f"_l{layer}_reverse")[: self.directions]

    def shapes(self, cell: Cell, input_size: int, hidden_size: int) -> Shapes:
        """Return the shape of every parameter of one replica, in torch.nn's order."""
        shapes: Shapes = {}
        for layer in range(self.num_layers):
            size = input_size if layer == 0 else hidden_size * self.directions
            for suffix in self.suffixes(layer):
                for name, shape in cell.shapes(size, hidden_size).items():
                    shapes[_named(name, suffix)] = shape
        return shapes

    def split(self, cell: Cell, parameters: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
        """Return each recurrence's parameters under the cell's own names, in torch.nn's order."""
        names = list(cell.shapes(1, 1))
        return [
            {name: parameters[_named(name, suffix)] for name in names}
            for layer in range(self.num_layers)
            for suffix in self.suffixes(layer)
        ]

    def run(
        self,
        engine: Engine,
        cell: Cell,
        recurrences: Sequence[Parameters],
        inputs: Tensor,
        states: States | None = None,
        *,
        last: int | None = None,
    ) -> tuple[Tensor, States]:
        """Run whole sequences through all layers.

        Args:
            engine: runs one recurrence.
            cell: of every recurrence.
            recurrences: each one's parameters, as `split` returns them, with a leading axis R.
            inputs: `(R, T, B, F)`.
            states: `(R, layers * directions, B, H)` each; zeros where None.
            last: return the outputs of the last so many time steps only; all where None.

        Returns:
            Outputs `(R, last, B, H * directions)`, and the final states.
        """
        finals: list[States] = []
        own = iter(recurrences)
        for layer in range(self.num_layers):
            keep = last if layer == self.num_layers - 1 else None
            outputs = []
            for direction in range(self.directions):
                given = None if states is None else tuple(s[:, len(finals)] for s in states)
                run = _reversed(engine) if direction else engine
                output, final = run(cell, next(own), inputs, given, last=keep)
                outputs.append(output)
                finals.append(final)
            inputs = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
        return inputs, tuple(torch.stack(each, 1) for each in zip(*finals, strict=True))


def _reversed(engine: Engine) -> Engine:
    """Return an engine that reads sequences from their end; outputs stay at their time steps."""

    def run(
        cell: Cell,
        parameters: Parameters,
        inputs: Tensor,
        states: States | None = None,
        *,
        last: int | None = None,
    ) -> tuple[Tensor, States]:
        outputs, finals = engine(cell, parameters, inputs.flip(1), states)
        return outputs[:, :last].flip(1), finals

    return run


def _named(name: str, suffix: str) -> str:
    return name.removesuffix("_l0") + suffix


# A product with one output column rounds differently alone and in a batch: see engine.reference.
COLUMNS, UNITS = 16, 32
ONE_LAYER = Layers()


class SequenceModel:
    """A stack of replicas of the `nn.LSTM` + `nn.Linear` of every tutorial, for any cell.

    Attributes:
        cell: the recurrent cell.
        layers: how many of its layers lie one above the other, and in which directions.
        parameters: name to `(R, ...)`. Names are those of a torch module with the cell as `rnn`
            and an `nn.Linear` as `readout`: `rnn.weight_ih_l0`, ..., `readout.bias`.
    """

    def __init__(
        self,
        cell: Cell,
        parameters: Mapping[str, Tensor],
        engine: str = "reference",
        layers: Layers = ONE_LAYER,
    ) -> None:
        self.cell, self.layers = cell, layers
        self.engine: Engine = get_engine(engine)
        self.parameters = dict(parameters)

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
        """
        if inputs.ndim == 3:
            stacked = None if states is None else tuple(state[None] for state in states)
            outputs, finals = self(inputs[None], stacked, last=last)
            return outputs[0], tuple(state[0] for state in finals)
        hidden, finals = self.layers.run(
            self.engine, self.cell, self._recurrences, inputs, states, last=last
        )
        return self._read_out(hidden), finals

    def step(self, inputs: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Advance one time step: inputs `(R, B, F)` or `(B, F)`; the rest as in `__call__`."""
        time = inputs.ndim - 2
        outputs, finals = self(inputs.unsqueeze(time), states)
        return outputs.squeeze(time), finals

    def state_dict(self, replica: int = 0) -> dict[str, Tensor]:
        """Return one replica's parameters, as a torch module with `rnn` and `readout` has them."""
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
        "readout.weight": (output_size, hidden_size * layers.directions),
        "readout.bias": (output_size,),
    }


def initialize(
    cell: Cell,
    parameters: Mapping[str, Tensor],
    generator: Generator,
    *,
    gap: int,
    layers: Layers = ONE_LAYER,
) -> None:
    """Fill one replica's parameters in place: the cell's own way, the read-out as nn.Linear."""
    for own in layers.split(cell, _recurrent(parameters)):
        cell.initialize(own, generator, gap=gap)
    bound = 1 / math.sqrt(parameters["readout.weight"].shape[-1])
    uniform_(parameters["readout.weight"], bound, generator)
    uniform_(parameters["readout.bias"], bound, generator)


def _recurrent(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the parameters of the recurrence, under their names there."""
    return {name.removeprefix("rnn."): v for name, v in parameters.items() if name[:4] == "rnn."}


Match = Literal["hidden", "parameters", "state"]


def matched_size(
    match: Match, hidden_size: int, task: Task, cell: Cell, standard: Cell, layers: Layers
) -> int:
    """Return the hidden size at which a cell is as large as the standard cell at `hidden_size`.

    Args:
        match: what is to be as large: the number of hidden units, of trained parameters (the
            read-out's included) or of values carried from one time step to the next.
        hidden_size: of the standard cell.
        task: gives the sizes of input and output.
        cell: the one to be matched.
        standard: the one it is matched to.
        layers: of both.

    Returns:
        The size that comes nearest, of two the smaller; at least 1.
    """
    if match == "hidden":
        return hidden_size
    count = count_parameters if match == "parameters" else count_state
    wanted = count(task, standard, layers, hidden_size)
    return _nearest(lambda size: count(task, cell, layers, size), wanted)


def count_parameters(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Return how many numbers one replica trains."""
    shapes = model_shapes(cell, task.input_size, hidden_size, task.output_size, layers)
    return sum(math.prod(shape) for shape in shapes.values())


def count_state(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Return how many numbers are carried from one time step to the next."""
    return hidden_size * len(cell.states) * layers.num_layers * layers.directions


def _nearest(count: Callable[[int], int], wanted: int) -> int:
    """Return the size whose count, which grows with it, is nearest to the one wanted."""
    above = 1
    while count(above) < wanted:
        above *= 2
    below = max(above // 2, 1)
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if count(middle) < wanted else (below, middle)
    return min((below, above), key=lambda size: abs(count(size) - wanted))
