"""A model's states and gates at every time step, whatever its cell and number of layers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.diagnose.gates import SigmoidGates
from rnnbench.engine import States
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel


class Moment(NamedTuple):
    """What is in a network after one time step.

    Attributes:
        states: `(layers, B, H)` each, in the order in which the cell declares them.
        gates: activation of each sigmoid gate, `(layers, B, H)`.
    """

    states: States
    gates: Mapping[str, Tensor]


class Unrolled:
    """One replica, run time step by time step on the reference engine.

    Attributes:
        parameters: as `SequenceModel` has them, with a leading axis of 1.
        state_names: of the cell.
    """

    def __init__(
        self,
        cell: Cell,
        parameters: Mapping[str, Tensor],
        layers: Layers,
        gates: SigmoidGates | None = None,
    ) -> None:
        """Watch a cell.

        Args:
            cell: of the model.
            parameters: of one replica, with a leading axis of 1.
            layers: in one direction; backwards there is no state that carries the past.
            gates: to be recorded; none where None.
        """
        self.parameters, self.state_names = parameters, cell.states
        self._gates, self._seen = gates, list[dict[str, Tensor]]()
        watched = cell if gates is None else self._watch(cell)
        self._model = SequenceModel(watched, parameters, layers=layers)

    def run(self, inputs: Tensor) -> Iterator[Moment]:
        """Yield a moment for each time step of inputs `(T, B, F)`.

        With gradients enabled, a moment's states are what the next step starts from: a gradient
        with respect to one of them goes through everything that follows that time step.
        """
        states: States | None = None
        for x in inputs.unbind(0):
            _, states = self._model(x[None], states, last=1)
            if torch.is_grad_enabled():
                states = tuple(state.requires_grad_() for state in states)
            yield Moment(states, self._take_gates(states[0].shape[-1]))

    def read_out(self, moment: Moment) -> Tensor:
        """Return the outputs `(B, output_size)` that are read from a moment."""
        weight, bias = self.parameters["readout.weight"][0], self.parameters["readout.bias"][0]
        return moment.states[0][-1] @ weight.T + bias

    def _watch(self, cell: Cell) -> Cell:
        """Return the cell with an update that notes the gates as well, once a layer and step."""
        watched = copy.copy(cell)

        def update(*arguments: Tensor) -> Tensor | tuple[Tensor, ...]:
            if self._gates is not None:
                with torch.no_grad():
                    self._seen.append(self._gates(*arguments))
            new: Tensor | tuple[Tensor, ...] = cell.update(*arguments)
            return new

        watched.update = update  # type: ignore[method-assign]
        return watched

    def _take_gates(self, size: int) -> dict[str, Tensor]:
        """Return what was noted at this time step, without the engine's padding of units."""
        seen, names = self._seen, () if self._gates is None else self._gates.names
        found = {name: torch.cat([layer[name] for layer in seen])[..., :size] for name in names}
        seen.clear()
        return found
