"""Build a model: layers of a cell with a linear read-out, for a stack of replicas; and its size."""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import cache, partial
from typing import Literal

import torch
from torch import Generator, Tensor

from rnnbench.cell import Cell, Parameters, Shapes, States
from rnnbench.engine import get_engine
from rnnbench.layers import ONE_LAYER, Layers, balanced, initialize_linear, multiply, run_tree
from rnnbench.task import Task

Match = Literal["hidden", "parameters", "state"]
LARGEST = 2**30  # hidden size
SIZES_IN_A_ROW = 256  # tried where a cell cannot have every size (its heads divide it, say)


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
        self.engine = get_engine(engine, layers.precision)
        self.parameters = dict(parameters)

    def __repr__(self) -> str:
        """Return the cell, the sizes, and how many parameters each replica has."""
        replicas, outputs, width = self.parameters["readout.weight"].shape
        features = "" if self.features is None else f"{self.features} features, "
        wiring = " in both directions" if self.layers.bidirectional else ""
        wiring += f" on a {self.layers.wiring} tree" if self.layers.is_tree else ""
        count = sum(tensor[0].numel() for tensor in self.parameters.values())
        return (
            f"SequenceModel({type(self.cell).__name__}: {features}hidden size "
            f"{width // self.layers.read_out_width(self.cell, 1)}, {outputs} outputs, layers "
            f"{self.layers.num_layers}{wiring}, {count} parameters, replicas {replicas})"
        )

    @property
    def features(self) -> int | None:
        """Return the size F of an input; None where the parameters do not tell it."""
        if "block.embed_weight" in self._parameters:
            return self._parameters["block.embed_weight"].shape[-1]
        weight = self._parameters.get("rnn.weight_ih_l0")
        return None if weight is None else weight.shape[-1] // self.layers.window

    @property
    def parameters(self) -> dict[str, Tensor]:
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: dict[str, Tensor]) -> None:
        self._parameters = parameters
        self._recurrences = self.layers.split(self.cell, _part("rnn", parameters))
        self._block = self.layers.block_of(_part("block", parameters))

    def __call__(
        self, inputs: Tensor, states: States | None = None, *, last: int | None = None
    ) -> tuple[Tensor, States]:
        """Run whole sequences.

        Args:
            inputs: `(R, T, B, F)`, or `(T, B, F)` for a model of one replica.
            states: `(R, layers * directions, B, H)` each (without R likewise); zeros where None.
            last: read out the last so many time steps only; all where None. A tree has one
                output, that of its root, and takes no states.

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
        if states is not None and self.layers.window > 1:
            raise ValueError(f"window must be 1 to go on from states, got {self.layers.window}")
        if states is not None and self.layers.is_tree:
            raise ValueError(f"wiring must be chain to go on from states, got {self.layers.wiring}")
        finals: list[States] = []
        inputs = self._block.embed(inputs)
        if self.layers.is_tree:
            return self._climb(inputs)
        for layer in range(self.layers.num_layers):
            keep = last if layer == self.layers.num_layers - 1 else None
            seen = self._block.normalized(layer, inputs)
            outputs = []
            for backwards in (False, True)[: self.layers.directions]:
                own = self._recurrences[len(finals)]
                given = None if states is None else tuple(s[:, len(finals)] for s in states)
                read = self.layers.windows(seen.flip(1) if backwards else seen)
                until = None if backwards else keep
                output, final = self.engine(self.cell, own, read, given, until)
                outputs.append(output[:, :keep].flip(1) if backwards else output)
                finals.append(final)
            found = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
            inputs = self._block.added(layer, inputs[:, -found.shape[1] :], found)
        return inputs, tuple(torch.stack(each, 1) for each in zip(*finals, strict=True))

    def _climb(self, leaves: Tensor) -> tuple[Tensor, States]:
        """Run the cell from the leaves of a tree `(R, T, B, width)` to its root."""

        def step(inputs: Tensor, states: States | None) -> tuple[Tensor, States]:
            return self.engine(self.cell, self._recurrences[0], inputs, states, None)

        outputs, states = run_tree(step, leaves, balanced(leaves.shape[1]))
        return outputs, tuple(state[:, None] for state in states)

    def step(self, inputs: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Advance one time step: inputs `(R, B, F)` or `(B, F)`; the rest as in `__call__`."""
        if not self.cell.states:
            raise ValueError(f"cell must have states to be stepped, got {type(self.cell).__name__}")
        time = inputs.ndim - 2
        outputs, finals = self(inputs.unsqueeze(time), states)
        return outputs.squeeze(time), finals

    def state_dict(self, replica: int = 0) -> dict[str, Tensor]:
        """Return a copy of one replica's parameters, as a torch module has them."""
        return {name: tensor[replica].clone() for name, tensor in self.parameters.items()}

    def _read_out(self, hidden: Tensor) -> Tensor:
        return multiply(hidden, self.parameters["readout.weight"], self.parameters["readout.bias"])


def model_shapes(
    cell: Cell, input_size: int, hidden_size: int, output_size: int, layers: Layers = ONE_LAYER
) -> Shapes:
    """Return the shape of every parameter of one replica."""
    parts = {
        "rnn": layers.shapes(cell, input_size, hidden_size),
        "block": layers.block_shapes(cell, input_size, hidden_size),
    }
    return {
        **{f"{part}.{name}": shape for part, own in parts.items() for name, shape in own.items()},
        "readout.weight": (output_size, layers.read_out_width(cell, hidden_size)),
        "readout.bias": (output_size,),
    }


def initialize(
    cell: Cell, parameters: Parameters, generator: Generator, gap: int, layers: Layers = ONE_LAYER
) -> None:
    """Draw one replica's parameters in place, those of the read-out as nn.Linear does."""
    for own in layers.split(cell, _part("rnn", parameters)):
        cell.initialize(own, generator, gap=gap)
    initialize_linear(parameters["readout.weight"], parameters["readout.bias"], generator)
    layers.block_of(_part("block", parameters)).initialize(generator)


def _part(part: str, parameters: Parameters) -> dict[str, Tensor]:
    """Return the parameters of a part, without its name and the dot."""
    start = f"{part}."
    return {k.removeprefix(start): v for k, v in parameters.items() if k.startswith(start)}


def matched_size(
    match: Match, hidden_size: int, task: Task, cell: Cell, standard: Cell, layers: Layers
) -> int:
    """Return the hidden size at which a cell is as large as the standard cell at `hidden_size`.

    `match` says what is to be equal: the number of hidden units, of trained parameters (with the
    read-out's) or of values kept of a sequence. The nearest size that the cell can have is
    returned, at least 1; of two equally near the smaller.

    Raises:
        ValueError: the cell can have none of the sizes tried.
    """
    if match == "hidden":
        return hidden_size
    count = count_parameters if match == "parameters" else count_state
    wanted = count(task, standard, layers, hidden_size)
    size_from = cache(partial(_size_from, task, cell, layers))

    def own(size: int) -> int:
        return count(task, cell, layers, size_from(size))

    top = 1  # doubled: some cells build a module of that size to count
    while own(top) < wanted and top < LARGEST:
        top *= 2
    least = bisect_left(range(top), wanted, lo=1, key=own)
    above = size_from(least)
    below = next((size for size in range(least - 1, 0, -1) if size_from(size) == size), above)
    return min((below, above), key=lambda size: abs(own(size) - wanted))


def _size_from(
    task: Task, cell: Cell, layers: Layers, least: int, tries: int = SIZES_IN_A_ROW
) -> int:
    """Return the first hidden size from `least` on that a cell can have."""
    try:
        count_parameters(task, cell, layers, least)
    except ValueError:
        if tries == 1:
            raise
        return _size_from(task, cell, layers, least + 1, tries - 1)
    return least


def count_parameters(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Count the trained numbers of one replica."""
    shapes = model_shapes(cell, task.input_size, hidden_size, task.output_size, layers)
    return sum(math.prod(shape) for shape in shapes.values())


def count_state(task: Task, cell: Cell, layers: Layers, hidden_size: int) -> int:
    """Count the numbers that one replica keeps of a sequence when it answers, or a tree at most."""
    own = cell.count_state(hidden_size, task.sequence_length)
    return own * layers.states_kept(task.sequence_length)
