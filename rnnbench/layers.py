"""Layers and directions: a cell's recurrences wired one above the other, as torch.nn does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnnbench.cell import Cell, Shapes
from rnnbench.engine import Engine, Parameters, States


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
