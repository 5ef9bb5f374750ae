"""Trace what a cell computes elementwise, and its gradients, as operations in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, Node
from torch.fx.experimental.proxy_tensor import make_fx

from rnnbench.cell import Cell
from rnnbench.engine.reference import run_prepare

aten = torch.ops.aten
ALIASES = (aten.detach.default, aten.alias.default, aten.clone.default)
# Recomputing these costs more than keeping their values for the backward pass.
COSTLY = (
    *(aten.sigmoid.default, aten.tanh.default, aten.exp.default, aten.log.default),
    *(aten.log1p.default, aten.sin.default, aten.cos.default, aten.sqrt.default),
    *(aten.rsqrt.default, aten.softplus.default),
)
DIVISIONS = (aten.div.Tensor, aten.div.Scalar, aten.reciprocal.default)


@dataclass(frozen=True)
class Trace:
    """Hold the graph of `update`, or of `prepare`, forward and backward.

    Attributes:
        gates, states, values, vectors, d_results: the arguments, in the order of declaration;
            `prepare` has the early gates and no values.
        results: of the forward pass: new states and outputs, or values.
        d_gates, d_states, d_values, d_vectors: results of the backward pass.
        constants: what follows from the vectors alone, at some cost, and is used by others: it is
            computed once for all sequences and time steps. `prepare` has none.
        fixed: the operations that compute these.
        saved: values of the forward pass that the backward pass needs, beside the results and the
            states.
        forward, backward: the other operations of each pass, in order.
    """

    gates: list[Node]
    states: list[Node]
    values: list[Node]
    vectors: list[Node]
    d_results: list[Node]
    results: list[Node]
    d_gates: list[Node]
    d_states: list[Node]
    d_values: list[Node]
    d_vectors: list[Node]
    constants: list[Node]
    fixed: list[Node]
    saved: list[Node]
    forward: list[Node]
    backward: list[Node]

    @property
    def inputs(self) -> list[Node]:
        return [*self.gates, *self.states, *self.values, *self.vectors, *self.d_results]

    @property
    def divisors(self) -> list[Node]:
        """Return the constants of which the inverse is used."""
        found = _divisors([*self.forward, *self.backward])
        return [node for node in self.constants if node in found]

    @property
    def ends(self) -> list[Node]:
        """Return all results of both passes."""
        d_inputs = (*self.d_gates, *self.d_states, *self.d_values, *self.d_vectors)
        return [*self.results, *d_inputs]


def trace_update(cell: Cell) -> Trace:
    """Trace a declared cell's update and its vector-Jacobian product.

    Raises:
        ValueError: the update does more than elementwise tensor operations.
    """
    counts = (len(cell.gates), len(cell.states), len(cell.values), len(cell.vectors))
    return _trace("update", cell.update, counts, len(cell.results))


def trace_prepare(cell: Cell) -> Trace:
    """Trace the computation of the values that feed further gates; see `trace_update`."""
    counts = (len(cell.early_gates), len(cell.states), 0, len(cell.vectors))
    return _trace("prepare", partial(run_prepare, cell), counts, len(cell.values))


def _trace(name: str, function: Callable[..., Any], counts: tuple[int, ...], results: int) -> Trace:
    graph = _joint_graph(name, function, sum(counts), results)
    placeholders = iter([node for node in graph.nodes if node.op == "placeholder"])
    gates, states, values, vectors, d_results = (
        list(islice(placeholders, count)) for count in (*counts, results)
    )
    (output,) = (node for node in graph.nodes if node.op == "output")
    ends: Any = output.args[0]
    found, d_inputs = list(ends[0]), list(ends[1])
    calls = [node for node in graph.nodes if node.op == "call_function"]
    constants = _constants(calls, vectors, set(found)) if name == "update" else set()
    forward = _needed(found, calls, stop=constants)
    # The results are stored anyway, and what follows from them alone is soon computed again.
    stored = set(found)
    costly = [node for node in forward if node.target in COSTLY]
    kept = {node for node in costly if not stored.issuperset(node.all_input_nodes)}
    kept |= set(gates)
    backward = _needed(d_inputs, calls, stop=kept | stored | constants)
    used = {x for node in backward for x in node.all_input_nodes} | set(d_inputs)
    saved = [node for node in graph.nodes if node in kept - stored and node in used]
    rest = iter(d_inputs)
    d_gates, d_states, d_values, d_vectors = (list(islice(rest, count)) for count in counts)
    arguments = (gates, states, values, vectors, d_results)
    gradients = (d_gates, d_states, d_values, d_vectors)
    once = [node for node in calls if node in constants], _needed([*constants], calls, stop=set())
    return Trace(*arguments, found, *gradients, *once, saved, forward, backward)


def _joint_graph(name: str, function: Callable[..., Any], inputs: int, results: int) -> Graph:
    """Trace a function together with its gradients."""

    def joint(*values: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        def computed(*arguments: Tensor) -> tuple[Tensor, ...]:
            new = function(*arguments)
            # A state that is passed on unchanged must still be a computed value; see _merge_equal.
            return tuple(x * 1 for x in (new if isinstance(new, tuple) else (new,)))

        pulled: Any = torch.func.vjp(computed, *values[:inputs])
        outputs, pull_back = pulled
        return outputs, pull_back(tuple(values[inputs:]))

    try:
        example = torch.rand(inputs + results, 4).unbind(0)
        graph: Graph = make_fx(joint)(*example).graph
    except Exception as error:
        raise ValueError(f"{name} must be elementwise tensor operations, got {error}") from error
    graph.eliminate_dead_code()
    _merge_equal(graph)
    return graph


def _merge_equal(graph: Graph) -> None:
    """Merge nodes that compute the same value."""
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


def _constants(calls: list[Node], vectors: list[Node], results: set[Node]) -> set[Node]:
    """Return what follows from vectors alone, at some cost or to divide by, and others use."""
    fixed, costly = set(vectors), set[Node]()
    for node in calls:
        inputs = node.all_input_nodes
        if inputs and fixed.issuperset(inputs):
            fixed.add(node)
            if node.target in (*COSTLY, *DIVISIONS) or not costly.isdisjoint(inputs):
                costly.add(node)
    others = [node for node in calls if node not in fixed]
    used = {x for node in others for x in node.all_input_nodes}
    return (used & (costly | (fixed & _divisors(others)))) - results - set(vectors)


def _divisors(nodes: list[Node]) -> set[Node]:
    divided = (node.args[1] for node in nodes if node.target is aten.div.Tensor)
    return {divisor for divisor in divided if isinstance(divisor, Node)}


def _needed(results: list[Node], calls: list[Node], stop: set[Node]) -> list[Node]:
    """Return, in order, the operations that compute the results from `stop` and the arguments."""
    found: set[Node] = set()
    waiting = [node for node in results if isinstance(node, Node)]
    while waiting:
        node = waiting.pop()
        if node not in found and node not in stop and node.op == "call_function":
            found.add(node)
            waiting += node.all_input_nodes
    return [node for node in calls if node in found]
