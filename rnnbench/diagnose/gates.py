"""Which of a cell's gates are squashed by a sigmoid, and how far each is open."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

from rnnbench.cell import Cell

SIGMOID = torch.ops.aten.sigmoid.default


class SigmoidGates:
    """The activations of a cell's gates, found in the arithmetic of its `update`.

    A declaration tells a gate's pre-activation, not how it is squashed. So `update` is traced,
    and a sigmoid whose argument depends on the pre-activation of one gate alone, of states and
    vectors (peepholes) besides, is the activation of that gate.

    Attributes:
        names: of the gates found, in the order in which `update` squashes them.
    """

    def __init__(self, cell: Cell) -> None:
        """Trace the update.

        Raises:
            ValueError: it does more than tensor operations.
        """
        self._module = _trace(cell)
        nodes = list(self._module.graph.nodes)
        placeholders = [node for node in nodes if node.op == "placeholder"]
        gates = dict(zip(placeholders, cell.gates, strict=False))
        found: dict[str, Node] = {}
        for node in nodes:
            if node.target is SIGMOID:
                feeding = {gates[source] for source in _sources(node) if source in gates}
                if len(feeding) == 1:
                    found.setdefault(feeding.pop(), node)
        self.names = tuple(found)
        _give_back(self._module, tuple(found.values()))

    def __call__(self, *arguments: Tensor) -> dict[str, Tensor]:
        """Return each gate's activation `(..., B, H)` from what `update` gets."""
        return dict(zip(self.names, self._module(*arguments), strict=True))


def _trace(cell: Cell) -> GraphModule:
    count = len(cell.gates) + len(cell.states) + len(cell.vectors)
    examples = torch.linspace(0.1, 0.9, 4 * count).view(count, 4).unbind(0)
    try:
        with torch.no_grad():
            # The lambda hides the signature, by which make_fx would name the placeholders.
            module: GraphModule = make_fx(lambda *values: cell.update(*values))(*examples)
    except Exception as error:  # whatever a user's update raises when it is traced
        raise ValueError(f"update must be tensor operations, got {error}") from error
    return module


def _sources(node: Node) -> Iterator[Node]:
    """Yield everything that a node is computed from."""
    waiting, seen = list(node.all_input_nodes), set[Node]()
    while waiting:
        source = waiting.pop()
        if source not in seen:
            seen.add(source)
            waiting += source.all_input_nodes
            yield source


def _give_back(module: GraphModule, results: tuple[Node, ...]) -> None:
    """Let a traced function return other values of its own instead."""
    graph = module.graph
    (output,) = (node for node in graph.nodes if node.op == "output")
    graph.erase_node(output)
    graph.output(results)
    graph.eliminate_dead_code()
    module.recompile()
