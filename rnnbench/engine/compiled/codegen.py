"""Turn a cell's `update` into C++: the arithmetic of its forward and its backward pass."""

from __future__ import annotations

from collections.abc import Sequence
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
# C++ of an operation, by its arguments.
EXPRESSIONS: dict[object, str] = {
    aten.add.Tensor: "{0} + {1}",
    aten.add.Scalar: "{0} + {1}",
    aten.sub.Tensor: "{0} - {1}",
    aten.sub.Scalar: "{0} - {1}",
    aten.mul.Tensor: "{0} * {1}",
    aten.mul.Scalar: "{0} * {1}",
    aten.div.Tensor: "{0} / {1}",
    aten.div.Scalar: "{0} / {1}",
    aten.rsub.Scalar: "{1} - {0}",
    aten.neg.default: "-{0}",
    aten.reciprocal.default: "1 / {0}",
    aten.exp.default: "vexp({0})",
    aten.tanh.default: "vtanh({0})",
    aten.sigmoid.default: "vsigmoid({0})",
    aten.relu.default: "{0} > 0 ? {0} : V{{}}",
    aten.sigmoid_backward.default: "{0} * {1} * (1 - {1})",
    aten.tanh_backward.default: "{0} * (1 - {1} * {1})",
    aten.threshold_backward.default: "{1} > {2} ? {0} : V{{}}",
    aten.zeros_like.default: "V{{}}",
    aten.ones_like.default: "V{{}} + 1",
}


@dataclass(frozen=True)
class Trace:
    """Hold the graph of one time step, forward and backward.

    Attributes:
        gates, states, vectors, d_states: the arguments, in the order of declaration.
        next_states: results of the forward pass.
        d_inputs: results of the backward pass: gradients of gates, states and vectors.
        saved: values of the forward pass that the backward pass needs, beside the states.
        forward, backward: the operations of each pass, in order.
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
    """Trace the update together with its gradients."""
    inputs = sum(counts[:3])

    def joint(*values: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        def update(*arguments: Tensor) -> tuple[Tensor, ...]:
            new = cell.update(*arguments)
            # A state that is passed on unchanged must still be a computed value; see _merge_equal.
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


def emit(cell: Cell) -> str:
    """Write a cell as the C++ struct `Cell`.

    Raises:
        ValueError: the update holds an operation for which there is no expression.
    """
    t = trace(cell)
    fed = cell.gates.values()
    flags = {source: ", ".join(str(source in by).lower() for by in fed) for source in "xh"}
    forward = [
        *_read("gate", t.gates),
        *_read("old", t.states),
        *_read("vector", t.vectors),
        *_statements(t.forward),
        *_write("next", t.next_states),
        *_write("gate", t.saved),
    ]
    backward = [
        *_read("value", t.saved),
        *_read("old", t.states),
        *_read("next", t.next_states),
        *_read("vector", t.vectors),
        *_read("d_next", t.d_states),
        *_statements(t.backward),
        *_write("d_gate", t.d_inputs[: len(t.gates)]),
        *_write("d_old", t.d_inputs[len(t.gates) : len(t.gates) + len(t.states)]),
        *_write("d_vector", t.d_inputs[len(t.gates) + len(t.states) :], "+="),
    ]
    return f"""struct Cell {{
  static constexpr int GATES = {len(t.gates)}, STATES = {len(t.states)};
  static constexpr int VECTORS = {len(t.vectors)}, SAVED = {len(t.saved)};
  static constexpr bool FROM_X[] = {{{flags["x"]}}}, FROM_H[] = {{{flags["h"]}}};
  template <class V> INLINE void forward(V *gate, const V *old, const V *vector, V *next) {{
    (void)old, (void)vector;
{_indented(forward)}
  }}
  template <class V>
  INLINE void backward(const V *value, const V *old, const V *next, const V *vector,
                       const V *d_next, V *d_gate, V *d_old, V *d_vector) {{
    (void)value, (void)old, (void)next, (void)vector, (void)d_next, (void)d_vector;
{_indented(backward)}
  }}
}};
"""


def _statements(nodes: Sequence[Node]) -> list[str]:
    lines = []
    for node in nodes:
        if node.target not in EXPRESSIONS:
            name = str(node.target).removeprefix("aten.").partition(".")[0]
            raise ValueError(f"update must do without {name}: it has no compiled form")
        expression = EXPRESSIONS[node.target].format(*map(_word, node.args))
        lines.append(f"const V {node.name} = {expression};")
    return lines


def _word(argument: object) -> str:
    if isinstance(argument, Node):
        return argument.name
    return f"scalar<V>({float(argument)!r})"  # type: ignore[arg-type]


def _read(array: str, nodes: Sequence[Node]) -> list[str]:
    return [f"[[maybe_unused]] const V {n.name} = {array}[{i}];" for i, n in enumerate(nodes)]


def _write(array: str, nodes: Sequence[Node], sign: str = "=") -> list[str]:
    return [f"{array}[{index}] {sign} {node.name};" for index, node in enumerate(nodes)]


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
