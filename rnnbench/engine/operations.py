"""Write the operations of a trace in a language: C++ and Triton differ in their tables alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import torch
from torch.fx import Node

aten = torch.ops.aten
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


class Language(NamedTuple):
    """Say how a language writes what a trace holds.

    Attributes:
        expressions: of each operation but comparisons and powers, by its arguments.
        name: of a computed value.
        number: of a constant.
        counted: of a mask that counts as 0 and 1.
    """

    expressions: Mapping[object, str]
    name: str
    number: str
    counted: str


def written(nodes: Sequence[Node], language: Language) -> Iterator[tuple[Node, str]]:
    """Yield each operation with its expression, in order.

    Raises:
        ValueError: the language has no expression for one, or a constant is no finite number.
    """
    for node in nodes:
        expression = _expression(node, language)
        if expression is None:
            name = str(node.target).removeprefix("aten.").partition(".")[0]
            raise ValueError(f"update must do without {name}: it has no compiled form")
        words = [_word(node, place, each, language) for place, each in enumerate(node.args)]
        yield node, expression.format(*words)


def _expression(node: Node, language: Language) -> str | None:
    """Return an operation's expression; None where it has none."""
    if node.target is aten.pow.Tensor_Scalar:
        return next((" * ".join(["{0}"] * n) for n in POWERS if n == node.args[1]), None)
    if node.target is aten.softplus.default and node.args[1:] not in ((), PLAIN_SOFTPLUS):
        return None
    if node.target is aten.softplus_backward.default and node.args[2:] != PLAIN_SOFTPLUS:
        return None
    if node.target in IN_PLACE and node.all_input_nodes[0].op == "placeholder":
        return None  # an argument must stay as it is
    return language.expressions.get(node.target) or MASKS.get(node.target)


def _word(node: Node, place: int, argument: object, language: Language) -> str:
    """Return an argument of an operation as text."""
    if not isinstance(argument, Node):
        number = float(argument)  # type: ignore[arg-type]
        if not isfinite(number):
            raise ValueError(f"update must do without {number}: it has no compiled form")
        return language.number.format(repr(number))
    name = language.name.format(argument.name)
    if argument.target in MASKS and MASKED.get(node.target) != place:
        return language.counted.format(name)
    return name
