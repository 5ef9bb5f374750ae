"""From a traced cell to C++: the struct around which the recurrence is compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.fx import Node

from rnnbench.cell import Cell
from rnnbench.engine.compiled.trace import trace

aten = torch.ops.aten
Words = tuple[str, ...]


def _binary(sign: str) -> Callable[[Words], str]:
    return lambda x: f"{x[0]} {sign} {x[1]}"


EXPRESSIONS: dict[object, Callable[[Words], str]] = {
    aten.add.Tensor: _binary("+"),
    aten.add.Scalar: _binary("+"),
    aten.sub.Tensor: _binary("-"),
    aten.sub.Scalar: _binary("-"),
    aten.mul.Tensor: _binary("*"),
    aten.mul.Scalar: _binary("*"),
    aten.div.Tensor: _binary("/"),
    aten.div.Scalar: _binary("/"),
    aten.rsub.Scalar: lambda x: f"{x[1]} - {x[0]}",
    aten.neg.default: lambda x: f"-{x[0]}",
    aten.reciprocal.default: lambda x: f"1 / {x[0]}",
    aten.exp.default: lambda x: f"vexp({x[0]})",
    aten.tanh.default: lambda x: f"vtanh({x[0]})",
    aten.sigmoid.default: lambda x: f"vsigmoid({x[0]})",
    aten.relu.default: lambda x: f"{x[0]} > 0 ? {x[0]} : V{{}}",
    aten.sigmoid_backward.default: lambda x: f"{x[0]} * {x[1]} * (1 - {x[1]})",
    aten.tanh_backward.default: lambda x: f"{x[0]} * (1 - {x[1]} * {x[1]})",
    aten.threshold_backward.default: lambda x: f"{x[1]} > {x[2]} ? {x[0]} : V{{}}",
    aten.zeros_like.default: lambda x: "V{}",
    aten.ones_like.default: lambda x: "V{} + 1",
}


def emit(cell: Cell) -> str:
    """Return the struct `Cell` in C++.

    Raises:
        ValueError: the update holds an operation for which there is no expression.
    """
    t = trace(cell)
    flags = {
        source: ", ".join(str(source in fed).lower() for fed in cell.gates.values())
        for source in "xh"
    }
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
        words = tuple(_word(argument) for argument in node.args)
        lines.append(f"const V {node.name} = {EXPRESSIONS[node.target](words)};")
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
