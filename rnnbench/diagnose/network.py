"""Run a network step by step, and record its states and how open its sigmoid gates are."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

from rnnbench.cell import Cell, Parameters, States
from rnnbench.layers import Layers
from rnnbench.model import SequenceModel

SIGMOID = torch.ops.aten.sigmoid.default


class SigmoidGates:
    """Find the activations of a cell's gates in the arithmetic of its `update`.

    A cell declares a gate's pre-activation, but not its activation. So `update` is traced: a
    sigmoid of the pre-activation of one gate, possibly with states and vectors (peepholes), is
    the activation of that gate.

    Attributes:
        names: of the gates found, in the order of their sigmoids in `update`.
    """

    def __init__(self, cell: Cell) -> None:
        """Trace the update.

        Raises:
            ValueError: it does more than tensor operations.
        """
        self._module = _trace(cell)
        nodes = list(self._module.graph.nodes)
        placeholders = [node for node in nodes if node.op == "placeholder"]
        gates = dict(zip(placeholders, cell.gates, strict=False))  # the first of the arguments
        found: dict[str, Node] = {}
        for node in nodes:
            if node.target is SIGMOID:
                feeding = {gates[source] for source in _sources(node) if source in gates}
                if len(feeding) == 1:
                    found.setdefault(feeding.pop(), node)
        self.names = tuple(found)
        _return_instead(self._module, tuple(found.values()))

    def __call__(self, *arguments: Tensor) -> dict[str, Tensor]:
        """Return each gate's activation `(..., B, H)`, from the arguments of `update`."""
        return dict(zip(self.names, self._module(*arguments), strict=True))


def _trace(cell: Cell) -> GraphModule:
    parts = (cell.gates, cell.states, cell.values, cell.vectors)
    count = sum(map(len, parts))
    early = [list(cell.gates).index(gate) for gate in cell.early_gates]

    def compute(*values: Tensor) -> object:  # hides the signature, by which make_fx would name
        states = values[len(cell.gates) :][: len(cell.states)]
        vectors = values[count - len(cell.vectors) :]
        gates = [values[place] for place in early]
        prepared = cell.prepare(*gates, *states, *vectors) if cell.values else {}
        return dict(prepared), cell.update(*values)

    examples = torch.linspace(0.1, 0.9, 4 * count).view(count, 4).unbind(0)
    try:
        with torch.no_grad():
            module: GraphModule = make_fx(compute)(*examples)
    except Exception as error:  # whatever a user's update raises when it is traced
        raise ValueError(f"update must be tensor operations, got {error}") from error
    return module


def _sources(node: Node) -> Iterator[Node]:
    """Yield all nodes that a node is computed from."""
    waiting, seen = list(node.all_input_nodes), set[Node]()
    while waiting:
        source = waiting.pop()
        if source not in seen:
            seen.add(source)
            waiting += source.all_input_nodes
            yield source


def _return_instead(module: GraphModule, results: tuple[Node, ...]) -> None:
    """Make a traced function return other values that it computes."""
    graph = module.graph
    (output,) = (node for node in graph.nodes if node.op == "output")
    graph.erase_node(output)
    graph.output(results)
    graph.eliminate_dead_code()
    module.recompile()


class Moment(NamedTuple):
    """Hold what is in a network after one time step.

    Attributes:
        states: `(layers, B, H)` each, in the order in which the cell declares them.
        outputs: what the read-out sees, `(B, width)`.
        gates: activation of each sigmoid gate, `(layers, B, H)`.
    """

    states: States
    outputs: Tensor
    gates: Mapping[str, Tensor]


class Unrolled:
    """Run one replica time step by time step on the reference engine."""

    def __init__(
        self, cell: Cell, parameters: Parameters, layers: Layers, gates: SigmoidGates | None = None
    ) -> None:
        """Take one replica's parameters, with a leading axis of 1, and the gates to record, if any.

        Layers must have one direction: read from its end, a sequence's past is not in the states.
        """
        self.parameters, self.state_names = parameters, cell.states
        self._gates, self._seen = gates, list[dict[str, Tensor]]()
        watched = cell if gates is None else self._watch(cell, gates)
        self._model = SequenceModel(watched, parameters, layers=layers)

    def run(self, inputs: Tensor) -> Iterator[Moment]:
        """Yield a moment for each time step of inputs `(T, B, F)`.

        With gradients enabled, a moment's states are what the next step starts from: a gradient
        with respect to one of them goes through everything that follows that time step.
        """
        states: States | None = None
        for x in inputs.unbind(0):
            stacked = None if states is None else tuple(state[None] for state in states)
            hidden, finals = self._model.hidden(x[None, None], stacked, last=1)
            states = tuple(final[0] for final in finals)
            if torch.is_grad_enabled():
                states = tuple(state.requires_grad_() for state in states)
            yield Moment(
                states,
                self._seen_by_read_out(hidden[0, 0], states),
                self._take_gates(states[0].shape[-1]),
            )

    def read_out(self, moment: Moment) -> Tensor:
        """Return the outputs `(B, output_size)` that are read from a moment."""
        weight, bias = self.parameters["readout.weight"][0], self.parameters["readout.bias"][0]
        return moment.outputs @ weight.T + bias

    def _seen_by_read_out(self, outputs: Tensor, states: States) -> Tensor:
        """Return the outputs `(B, width)`, those that are states as parts of these."""
        cell = self._model.cell
        if self._model.layers.block == "residual":
            return outputs
        by_name = dict(
            zip(cell.output_names, outputs.chunk(len(cell.output_names), -1), strict=True)
        )
        own = {name: state[-1] for name, state in zip(cell.states, states, strict=True)}
        return torch.cat([own.get(name, by_name[name]) for name in by_name], -1)

    def _watch(self, cell: Cell, gates: SigmoidGates) -> Cell:
        """Return a copy of the cell whose update also records the gates, once a layer and step."""
        watched = copy.copy(cell)

        def update(*arguments: Tensor) -> Tensor | tuple[Tensor, ...]:
            with torch.no_grad():
                self._seen.append(gates(*arguments))
            new: Tensor | tuple[Tensor, ...] = cell.update(*arguments)
            return new

        watched.update = update  # type: ignore[method-assign]
        return watched

    def _take_gates(self, size: int) -> dict[str, Tensor]:
        """Return and clear the gates of this time step, without the engine's padding of units."""
        seen, names = self._seen, () if self._gates is None else self._gates.names
        found = {name: torch.cat([layer[name] for layer in seen])[..., :size] for name in names}
        seen.clear()
        return found
