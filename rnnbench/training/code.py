"""Tell by a hash what an own cell or task computes, so that an edited one is known as another.

Shipped classes are known by their `version` and have no hash.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from torch.fx import Node
from torch.fx.node import map_arg

from rnnbench.cell import Cell
from rnnbench.engine.compiled.trace import Trace, trace_prepare, trace_update
from rnnbench.experiment.class_path import find_class, is_shipped, is_typed
from rnnbench.experiment.condition import Condition, arguments_of
from rnnbench.store.rules import LONGEST_TEXT
from rnnbench.store.settings import digest
from rnnbench.task import Task
from rnnbench.training.live_code import compiled_form

# What a cell may compute beside its `update`; a trace tells nothing of it.
BESIDE_UPDATE = (
    *("step", "shapes", "initialize", "bias_of", "gates_fed_by"),
    *("derive", "published", "start_bias", "sources", "links", "values", "early_gates"),
)
DECLARED = ("states", "vectors", "keep_gate", "input_gate", "init", "keep_bias")
LIBRARIES = {"site-packages", "dist-packages"}
NOT_OWN = {*sys.stdlib_module_names, "rnnbench", "torch"}
Code = Mapping[str, str]
# By class, so that a class is hashed as its text was when it was first asked for, not later.
_hashes: WeakKeyDictionary[type, dict[str, str | None]] = WeakKeyDictionary()


def code_of(condition: Condition) -> dict[str, str]:
    """Return the hashes of the condition's cell and task, of those that are no shipped class.

    A class of a module without a text has none, unless it is a cell whose `update` tells all.
    """
    found: dict[str, str | None] = {}
    if not is_shipped(condition.task["_target_"]):
        kind = find_class(condition.task["_target_"], Task, "task")
        known = _hashes.setdefault(kind, {})
        if "" not in known:
            known[""] = _hash(_definition(condition.task["_target_"], kind))
        found["task"] = known[""]
    if not is_shipped(condition.cell["_target_"]):
        cell = condition.build_cell()
        known = _hashes.setdefault(type(cell), {})
        arguments = repr(sorted(arguments_of(condition.cell).items()))
        if arguments not in known:
            definition = traced(cell) or _definition(condition.cell["_target_"], type(cell))
            known[arguments] = _hash(definition)
        found["cell"] = known[arguments]
    elif "module" in condition.cell:  # of a library it has none
        kind = condition.build_cell().written_in
        found["cell"] = _hashes.setdefault(kind, {}).setdefault("", _hash(source_of(kind)))
    return {part: code for part, code in found.items() if code is not None}


def _definition(path: str, kind: type) -> list[str]:
    """Return what tells a class from others: its text, or without a module its compiled form."""
    if not is_typed(path):
        return source_of(kind)
    return compiled_form(kind, is_own)


def text_of(kind: type) -> str | None:
    """Return the text of a class as it was typed, to be read; None where it cannot be had."""
    functions = (getattr(it, "__func__", it) for it in vars(kind).values())
    codes = [it.__code__ for it in functions if isinstance(it, FunctionType)]
    lines = linecache.getlines(codes[0].co_filename) if codes else []
    with suppress(SyntaxError):
        for node in ast.walk(ast.parse("".join(lines))):
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                inside = range(node.lineno, (node.end_lineno or 0) + 1)
                if codes[0].co_firstlineno in inside:
                    return textwrap.dedent("".join(lines[inside.start - 1 : inside.stop - 1]))
    return None


def typed_texts(condition: Condition) -> dict[str, str]:
    """Return the texts of the condition's cell and task, of those that no module has."""
    found = {}
    for part, base in (("task", Task), ("cell", Cell)):
        path = getattr(condition, part)["_target_"]
        text = text_of(find_class(path, base, part)) if is_typed(path) else None
        if text and len(text) <= LONGEST_TEXT:
            found[part] = text
    return found


def check_code(record: Mapping[str, Any], condition: Condition) -> None:
    """Check that the classes here are those with which a run was trained.

    Raises:
        ValueError: one of them computes something else.
    """
    for part in edited_parts(record, code_of(condition)):
        path = getattr(condition, part)["_target_"]
        raise ValueError(
            f"{part} must be {path} as it was when run {record['run_id']} was trained: "
            "it has been edited since"
        )


def edited_parts(record: Mapping[str, Any], code: Code) -> list[str]:
    """Return which of cell and task had another hash when a stored run was trained.

    One that has no hash, there or here, counts as the same.
    """
    stored = record.get("code", {})
    return [part for part in code if stored.get(part, code[part]) != code[part]]


def _hash(content: object) -> str | None:
    return digest(content) if content else None


def traced(cell: Cell) -> dict[str, Any] | None:
    """Return what a cell declares, and the arithmetic of its update and of its gradients.

    Returns:
        None where there is more to the cell than that, or its update cannot be traced.
    """
    own = [getattr(type(cell), name) is not getattr(Cell, name) for name in BESIDE_UPDATE]
    if not cell.declared or any(own):
        return None
    try:
        stages = {"update": _computed(trace_update(cell))}
        if cell.values:
            stages["prepare"] = _computed(trace_prepare(cell))
    except (KeyError, ValueError) as error:  # KeyError: a tensor from elsewhere, is not traced
        cause = error.__cause__
        if cause and (isinstance(cause, MemoryError) or "allocate memory" in str(cause)):
            raise cause from None  # it tells nothing of the cell, whose hash must not depend on it
        return None
    declared = {name: getattr(cell, name) for name in DECLARED}
    outputs = {"outputs": cell.outputs} if cell.outputs else {}
    return {"gates": list(cell.gates.items()), **declared, **outputs, **stages}


def _computed(t: Trace) -> list[str]:
    """Return a hash of how each result of both passes is computed."""
    names = {node: f"input {number}" for number, node in enumerate(t.inputs)}
    for node in [*t.fixed, *t.forward, *t.backward]:
        names.setdefault(node, digest([str(node.target), _arguments(node, names)]))
    return [names[node] for node in t.ends]


def _arguments(node: Node, names: Mapping[Node, str]) -> str:
    """Return an operation's arguments as text; those that were computed, by their names."""
    return repr(map_arg((node.args, node.kwargs), lambda value: names[value]))


def source_of(kind: type) -> list[str]:
    """Return the statements that define a class and whatever of the user's own it refers to.

    Functions, constants and base classes are followed through all modules that are part of no
    library. Comments, docstrings, formatting, hints of arguments' types and places do not count.

    Returns:
        Nothing where the text of the class's module cannot be had.
    """
    home, bindings = kind.__module__.partition(".")[0], cache(_bindings)
    waiting, seen, texts = [(kind.__module__, kind.__qualname__)], set(), set()
    while waiting:
        module, path = place = waiting.pop()
        if place in seen or not is_own(module, home):
            continue
        seen.add(place)
        name, _, rest = path.partition(".")
        if rest and f"{module}.{name}" in sys.modules:
            waiting.append((f"{module}.{name}", rest))
        bound = bindings(module)
        for statement in bound.get(name) or bound.get("*", []):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                waiting += _imported(statement, path, module)
            else:
                texts.add(_text(statement))
                waiting += [(module, reference) for reference in _references(statement)]
    return sorted(texts)


def is_own(module: str, home: str) -> bool:
    """Return whether a module is the user's: of the top-level package `home`, or of no library."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or top == home:
        return file is not None
    return top not in NOT_OWN and LIBRARIES.isdisjoint(Path(file).parts)


def _bindings(module: str) -> dict[str, list[ast.stmt]]:
    """Return the statements that give each name of a module its value; none without its text."""
    try:
        tree = _Plain().visit(ast.parse(inspect.getsource(sys.modules[module])))
    except (OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, list[ast.stmt]] = {}
    for statement in _statements(tree):
        for name in _bound(statement):
            found.setdefault(name, []).append(statement)
    return found


class _Plain(ast.NodeTransformer):
    """Drops what does not change what is computed."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node  # a docstring

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _text(node: object) -> str:
    """Return a tree as text, the same in every version of Python: what is empty is left out."""
    if isinstance(node, list):
        return f"[{', '.join(map(_text, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({', '.join(f'{name}={_text(it)}' for name, it in fields)})"


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield a module's statements, also those under an `if`, `try`, `with` or loop."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _statements(child)


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names to which a statement gives a value, or a part of one."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", ast.Pass())]
    nodes = (node for target in targets for node in ast.walk(target))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _references(statement: ast.stmt) -> set[str]:
    """Return all names in a statement, and all dotted paths that begin with a name."""
    found = set()
    for node in ast.walk(statement):
        path = ""
        while isinstance(node, ast.Attribute):
            path, node = f".{node.attr}{path}", node.value
        if isinstance(node, ast.Name):
            found.add(node.id + path)
    return found


def _imported(
    statement: ast.Import | ast.ImportFrom, path: str, module: str
) -> Iterator[tuple[str, str]]:
    """Yield the module, and the path in it, that a path leads to through an import."""
    name, _, rest = path.partition(".")
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            package = getattr(sys.modules[module], "__package__", None) or ""
            other = resolve_name("." * statement.level + (statement.module or ""), package)
            if alias.name == "*":
                yield other, path
            elif name == (alias.asname or alias.name):
                yield other, f"{alias.name}.{rest}".rstrip(".")
        elif name == alias.asname:
            yield alias.name, rest
        elif name == alias.name.partition(".")[0]:
            yield name, rest
