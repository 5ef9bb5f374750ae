"""Write a cell's arithmetic, forward and backward, as a struct in C++."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch
from torch.fx import Node

from rnnbench.cell import Cell
from rnnbench.engine.compiled.trace import Trace, trace_prepare, trace_update

aten = torch.ops.aten
# C++ of an operation, by its arguments.
EXPRESSIONS: dict[object, str] = {
    aten.add.Tensor: "{0} + {1}",
    aten.add.Scalar: "{0} + {1}",
    aten.sub.Tensor: "{0} - {1}",
    aten.sub.Scalar: "{0} - {1}",
    aten.sub_.Tensor: "{0} - {1}",
    aten.mul.Tensor: "{0} * {1}",
    aten.mul.Scalar: "{0} * {1}",
    aten.div.Tensor: "{0} / {1}",
    aten.div.Scalar: "{0} / {1}",
    aten.rsub.Scalar: "{1} - {0}",
    aten.neg.default: "-{0}",
    aten.reciprocal.default: "1 / {0}",
    aten.abs.default: "{0} < 0 ? -{0} : {0}",
    aten.sign.default: "vsign({0})",
    aten.sgn.default: "vsign({0})",
    aten.maximum.default: "({0} > {1}) | ({0} != {0}) ? {0} : {1}",
    aten.minimum.default: "({0} < {1}) | ({0} != {0}) ? {0} : {1}",
    aten.exp.default: "vexp({0})",
    aten.log.default: "vlog({0})",
    aten.log1p.default: "vlog1p({0})",
    aten.sqrt.default: "vsqrt({0})",
    aten.rsqrt.default: "1 / vsqrt({0})",
    aten.sin.default: "vsin({0})",
    aten.cos.default: "vcos({0})",
    aten.tanh.default: "vtanh({0})",
    aten.sigmoid.default: "vsigmoid({0})",
    aten.relu.default: "{0} > 0 ? {0} : V{{}}",
    aten.silu.default: "{0} * vsigmoid({0})",
    aten.softplus.default: "vsoftplus({0})",
    aten.log_sigmoid_forward.default: "vlogsigmoid({0})",
    operator.getitem: "{0}",  # of log_sigmoid_forward, whose second result is not used
    aten.sigmoid_backward.default: "{0} * {1} * (1 - {1})",
    aten.tanh_backward.default: "{0} * (1 - {1} * {1})",
    aten.threshold_backward.default: "{1} > {2} ? {0} : V{{}}",
    aten.softplus_backward.default: "{1} > 20 ? {0} : {0} * vsigmoid({1})",
    aten.log_sigmoid_backward.default: "{0} * vsigmoid(-{1})",
    aten.where.self: "{0} ? {1} : {2}",
    aten.masked_fill.Scalar: "{1} ? V{{}} + {2} : {0}",
    aten.masked_fill_.Scalar: "{1} ? V{{}} + {2} : {0}",
    aten.zeros_like.default: "V{{}}",
    aten.empty_like.default: "V{{}}",
    aten.ones_like.default: "V{{}} + 1",
    aten.scalar_tensor.default: "V{{}} + {0}",
    aten.fill_.Scalar: "V{{}} + {1}",
}
COMPARISONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}
MASKS: dict[object, str] = {
    getattr(getattr(aten, name), kind): f"{{0}} {sign} {{1}}"
    for name, sign in COMPARISONS.items()
    for kind in ("Tensor", "Scalar")
}
# Which argument of an operation is a mask; elsewhere a mask counts as 0 and 1.
MASKED: dict[object, int] = {
    aten.where.self: 0,
    aten.masked_fill.Scalar: 1,
    aten.masked_fill_.Scalar: 1,
}
IN_PLACE = (aten.sub_.Tensor, aten.fill_.Scalar, aten.masked_fill_.Scalar)
# The only arguments beyond x that have a form: softplus' own, and whole powers.
PLAIN_SOFTPLUS, POWERS = (1, 20), range(1, 9)


def emit(cell: Cell) -> str:
    """Write a cell as the C++ struct `Cell`.

    Raises:
        ValueError: the arithmetic holds an operation for which there is no expression.
    """
    update = trace_update(cell)
    parts = [_constants(cell, update), _fixed(update), _update(update)]
    if cell.values:
        early = [list(cell.gates).index(gate) for gate in cell.early_gates]
        parts.append(_prepare(trace_prepare(cell), early))
    return "struct Cell {\n" + "".join(parts) + "};\n"


def _constants(cell: Cell, update: Trace) -> str:
    gates, rows = list(cell.gates), _rows(cell)
    links = [(rows[name], gates.index(gate)) for name, fed in cell.links().items() for gate in fed]
    late = [gates.index(gate) for gate in gates if gate not in cell.early_gates]
    lists = {
        "X_TO": [gates.index(gate) for gate in cell.gates_fed_by("x")],
        "LINK_FROM": [row for row, _ in links],
        "LINK_TO": [gate for _, gate in links],
        "OUTPUT_ROWS": cell.output_places,
        "LATE": [int(index in late) for index in range(len(gates))],
    }
    numbers = {
        "GATES": len(gates),
        "STATES": len(cell.states),
        "RESULTS": len(update.results),
        "VALUES": len(cell.values),
        "VECTORS": len(cell.vectors),
        "CONSTANTS": len(update.constants) + len(update.divisors),
        "SAVED": len(update.saved),
        "PREPARED": len(trace_prepare(cell).saved) if cell.values else 0,
        "FROM_X": len(lists["X_TO"]),
        "FROM_H": len(cell.gates_fed_by("h")),
        "LINKS": len(links),
        "OUTPUTS": len(cell.output_names),
    }
    lines = [f"  static constexpr int {name} = {value};\n" for name, value in numbers.items()]
    for name, values in lists.items():
        # An array cannot be empty.
        lines.append(
            f"  static constexpr int {name}[] = {{{', '.join(map(str, [*values, 0]))}}};\n"
        )
    return "".join(lines)


def _rows(cell: Cell) -> dict[str, int]:
    """Return the row of each source: states, other outputs, then values."""
    return {name: row for row, name in enumerate(["h", *cell.results[1:], *cell.values])}


def _fixed(t: Trace) -> str:
    """Write what follows from the vectors alone, to be read like these."""
    lines = [
        *_read("vector", t.vectors),
        *_statements(t.fixed),
        *_write("constant", t.constants),
        *(f"constant[{row}] = 1 / {n.name};" for row, n in enumerate(t.divisors, len(t.constants))),
    ]
    return f"""
  template <class V> INLINE void fix(const V *vector, V *constant) {{
    (void)vector, (void)constant;
{_indented(lines)}
  }}
"""


def _update(t: Trace) -> str:
    first = len(t.vectors) + len(t.constants)
    inverses = [
        f"[[maybe_unused]] const V over_{n.name} = vector[{row}];"
        for row, n in enumerate(t.divisors, first)
    ]
    forward = [
        *_read("gate", t.gates),
        *_read("old", t.states),
        *_read("value", t.values),
        *_read("vector", [*t.vectors, *t.constants]),
        *inverses,
        *_statements(t.forward, t.divisors),
        *_write("next", t.results),
        *_write("gate", t.saved),
    ]
    backward = [
        *_read("saved", t.saved),
        *_read("old", t.states),
        *_read("next", t.results),
        *_read("value", t.values),
        *_read("vector", [*t.vectors, *t.constants]),
        *inverses,
        *_read("d_next", t.d_results),
        *_statements(t.backward, t.divisors),
        *_write("d_gate", t.d_gates),
        *_write("d_old", t.d_states),
        *_write("d_value", t.d_values),
        *_write("d_vector", t.d_vectors, "+="),
    ]
    return f"""
  template <class V>
  INLINE void forward(V *gate, const V *old, const V *value, const V *vector, V *next) {{
    (void)old, (void)value, (void)vector;
{_indented(forward)}
  }}
  template <class V>
  INLINE void backward(const V *saved, const V *old, const V *next, const V *value, const V *vector,
                       const V *d_next, V *d_gate, V *d_old, V *d_value, V *d_vector) {{
    (void)saved, (void)old, (void)next, (void)value, (void)vector, (void)d_next, (void)d_value;
    (void)d_vector;
{_indented(backward)}
  }}
"""


def _prepare(t: Trace, early: list[int]) -> str:
    """Write the first of two stages; `early` are the places of its gates."""
    forward = [
        *_read("gate", t.gates, early),
        *_read("old", t.states),
        *_read("vector", t.vectors),
        *_statements(t.forward),
        *_write("value", t.results),
        *_write("saved", t.saved),
    ]
    backward = [
        *_read("saved", t.saved),
        *_read("old", t.states),
        *_read("value", t.results),
        *_read("vector", t.vectors),
        *_read("d_value", t.d_results),
        *_statements(t.backward),
        *_write("d_gate", t.d_gates, "+=", early),
        *_write("d_old", t.d_states, "+="),
        *_write("d_vector", t.d_vectors, "+="),
    ]
    return f"""
  template <class V>
  INLINE void prepare(const V *gate, const V *old, const V *vector, V *value, V *saved) {{
    (void)gate, (void)old, (void)vector, (void)saved;
{_indented(forward)}
  }}
  template <class V>
  INLINE void prepare_backward(const V *saved, const V *old, const V *value, const V *vector,
                               const V *d_value, V *d_gate, V *d_old, V *d_vector) {{
    (void)saved, (void)old, (void)value, (void)vector, (void)d_value, (void)d_vector;
{_indented(backward)}
  }}
"""


def _statements(nodes: Sequence[Node], inverted: Sequence[Node] = ()) -> list[str]:
    """Write operations; where the divisor is inverted, by its inverse."""
    lines = []
    for node in nodes:
        expression = _expression(node)
        if expression is None:
            name = str(node.target).removeprefix("aten.").partition(".")[0]
            raise ValueError(f"update must do without {name}: it has no compiled form")
        if node.target is aten.div.Tensor and node.args[1] in inverted:
            expression = "{0} * over_{1}"
        kind = "auto" if node.target in MASKS else "V"
        words = [_word(node, place, each) for place, each in enumerate(node.args)]
        lines.append(f"const {kind} {node.name} = {expression.format(*words)};")
    return lines


def _expression(node: Node) -> str | None:
    """Return an operation's expression; None where it has none."""
    if node.target is aten.pow.Tensor_Scalar:
        return next((" * ".join(["{0}"] * n) for n in POWERS if n == node.args[1]), None)
    if node.target is aten.softplus.default and node.args[1:] not in ((), PLAIN_SOFTPLUS):
        return None
    if node.target is aten.softplus_backward.default and node.args[2:] != PLAIN_SOFTPLUS:
        return None
    if node.target in IN_PLACE and node.all_input_nodes[0].op == "placeholder":
        return None  # an argument must stay as it is
    return EXPRESSIONS.get(node.target) or MASKS.get(node.target)


def _word(node: Node, place: int, argument: object) -> str:
    """Return an argument of an operation as C++."""
    if not isinstance(argument, Node):
        return f"scalar<V>({float(argument)!r})"  # type: ignore[arg-type]
    if argument.target in MASKS and MASKED.get(node.target) != place:
        return f"({argument.name} ? V{{}} + 1 : V{{}})"
    return argument.name


def _read(array: str, nodes: Sequence[Node], places: Sequence[int] | None = None) -> list[str]:
    at = places or range(len(nodes))
    return [f"[[maybe_unused]] const V {n.name} = {array}[{i}];" for i, n in zip(at, nodes)]  # noqa: B905


def _write(
    array: str, nodes: Sequence[Node], sign: str = "=", places: Sequence[int] | None = None
) -> list[str]:
    at = places or range(len(nodes))
    return [f"{array}[{i}] {sign} {n.name};" for i, n in zip(at, nodes)]  # noqa: B905


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
