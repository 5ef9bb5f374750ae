"""The model of every run: a recurrent cell and a linear read-out on its outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from rnnbench.cell import Cell, Shapes
from rnnbench.engine import Engine, States, get_engine
from rnnbench.initialization import uniform_
from rnnbench.layers import Layers

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
