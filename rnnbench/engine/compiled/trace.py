"""From a cell's `update` to the straight-line arithmetic of its forward and backward pass."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, Node
from torch.fx.experimental.proxy_tensor import make_fx

from rnnbench.cell import Cell

aten = torch.ops.aten
ALIASES = (aten.detach.default, aten.alias.default, aten.clone.default)
# Recomputing these costs more than keeping their values for the backward pass.
COSTLY = (aten.sigmoid.default, aten.tanh.default, aten.exp.default)


@dataclass(frozen=True)
class Trace:
    """The joint graph of one time step, and where it is cut in two.

    Attributes:
        gates, states, vectors, d_states: the placeholders, in the order of declaration.
        next_states: what the forward pass gives.
        d_inputs: what the backward pass gives: of gates, states and vectors.
        saved: values of the forward pass that the backward pass starts from, beside the states.
        forward, backward: the operations of each, in order.
    """

    gates: list[Node]
    states: list[Node]
    vectors: list[Node]
    d_states: list[Node]
    next_states: list[Node]
    d_inputs: list[Node]
    saved: list[Node]
    forward: list[Node]
    backward: list[Node]


def trace(cell: Cell) -> Trace:
    """Trace a declared cell's update and its vector-Jacobian product.

    Raises:
        ValueError: the update does more than elementwise tensor operations.
    """
    counts = (len(cell.gates), len(cell.states), len(cell.vectors), len(cell.states))
    graph = _joint_graph(cell, counts)
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    groups = iter(placeholders)
    gates, states, vectors, d_states = (list(islice(groups, count)) for count in counts)
    (output,) = (node for node in graph.nodes if node.op == "output")
    results: Any = output.args[0]
    next_states, d_inputs = list(results[0]), list(results[1])
    calls = [node for node in graph.nodes if node.op == "call_function"]
    forward = _needed(next_states, calls, stop=set())
    # The new states are stored anyway, and what follows from them alone is soon computed again.
    stored = set(next_states)
    costly = [node for node in forward if node.target in COSTLY]
    kept = {node for node in costly if not stored.issuperset(node.all_input_nodes)} | set(gates)
    backward = _needed(d_inputs, calls, stop=kept | stored)
    used = {x for node in backward for x in node.all_input_nodes} | set(d_inputs)
    saved = [node for node in graph.nodes if node in kept - stored and node in used]
    return Trace(gates, states, vectors, d_states, next_states, d_inputs, saved, forward, backward)


def _joint_graph(cell: Cell, counts: tuple[int, ...]) -> Graph:
    inputs = sum(counts[:3])

    def joint(*values: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        def update(*arguments: Tensor) -> tuple[Tensor, ...]:
            new = cell.update(*arguments)
            # A state passed on as it is must still be a value of its own; see _merge_equal.
            return tuple(x * 1 for x in (new if isinstance(new, tuple) else (new,)))

        pulled: Any = torch.func.vjp(update, *values[:inputs])
        outputs, pull_back = pulled
        return outputs, pull_back(tuple(values[inputs:]))

    try:
        example = torch.rand(sum(counts), 4).unbind(0)
        graph: Graph = make_fx(joint)(*example).graph
    except Exception as error:
        raise ValueError(f"update must be elementwise tensor operations, got {error}") from error
    graph.eliminate_dead_code()
    _merge_equal(graph)
    return graph


def _merge_equal(graph: Graph) -> None:
    """Compute every value once."""
    seen: dict[object, Node] = {}
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        key = (node.target, node.args, tuple(node.kwargs.items()))
        alias = node.target in ALIASES or _is_copy(node)
        same = node.all_input_nodes[0] if alias else seen.setdefault(key, node)
        if same is not node:
            node.replace_all_uses_with(same)
            graph.erase_node(node)


def _is_copy(node: Node) -> bool:
    """Return whether a node is a computed value times one."""
    if node.target not in (aten.mul.Tensor, aten.mul.Scalar) or node.args[1] != 1:
        return False
    return isinstance(node.args[0], Node) and node.args[0].op == "call_function"


def _needed(results: list[Node], calls: list[Node], stop: set[Node]) -> list[Node]:
    """Return, in order, the operations that lead to the results from `stop` and placeholders."""
    found: set[Node] = set()
    waiting = [node for node in results if isinstance(node, Node)]
    while waiting:
        node = waiting.pop()
        if node not in found and node not in stop and node.op == "call_function":
            found.add(node)
            waiting += node.all_input_nodes
    return [node for node in calls if node in found]
