"""What the texts of modules say that a name is, found out without importing any of them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder
from typing import Any, NamedTuple


class Module(NamedTuple):
    """A module as it is written.

    Attributes:
        name: dotted.
        package: that its relative imports start from.
        statements: those of its top level, and those inside if, try and with.
    """

    name: str
    package: str
    statements: list[ast.stmt]


class Lookup:
    """Follows names from module to module, each once."""

    def __init__(self, kind: type) -> None:
        """Look for classes that derive from `kind`, which is imported already."""
        self._kind = kind
        self._seen: set[str] = set()
        self._modules: dict[str, Module | None] = {}

    def is_found(self, path: str) -> bool:
        """Return whether a dotted path leads to such a class: by its own `class` statement or base.

        Imports, stars and plain assignments are followed. What a module makes of a name only when
        it runs is not known.
        """
        module_name, _, name = path.rpartition(".")
        if path in self._seen or not module_name:
            return False
        self._seen.add(path)
        if module_name in sys.modules:
            found = getattr(sys.modules[module_name], name, None)
            return isinstance(found, type) and issubclass(found, self._kind)
        if module_name not in self._modules:
            self._modules[module_name] = text_of(module_name)
        module = self._modules[module_name]
        return module is not None and any(map(self.is_found, _meanings(module, name)))


def _meanings(module: Module, name: str) -> Iterator[str]:
    """Yield the dotted paths of what a name in a module is, or derives from."""
    for statement in module.statements:
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            for base in statement.bases:
                yield from _paths(module, ast.unparse(base))
        elif isinstance(statement, ast.Assign):
            if any(isinstance(x, ast.Name) and x.id == name for x in statement.targets):
                yield from _paths(module, ast.unparse(statement.value))
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if alias.name == "*":
                    yield f"{_source(module, statement)}.{name}"
                elif (alias.asname or alias.name) == name:
                    yield f"{_source(module, statement)}.{alias.name}"


def _paths(module: Module, expression: str) -> Iterator[str]:
    """Yield the dotted paths that an expression in a module stands for, if it is dotted names."""
    head, *rest = expression.split(".")
    if not all(part.isidentifier() for part in (head, *rest)):
        return
    if not rest:
        yield f"{module.name}.{head}"
        return
    for statement in module.statements:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if (alias.asname or alias.name) == head:
                    yield ".".join([_source(module, statement), alias.name, *rest])
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.asname == head:
                    yield ".".join([alias.name, *rest])
                elif alias.asname is None and alias.name.split(".")[0] == head:
                    yield expression


def _source(module: Module, statement: ast.ImportFrom) -> str:
    relative = "." * statement.level + (statement.module or "")
    return importlib.util.resolve_name(relative, module.package)


def text_of(name: str) -> Module | None:
    """Return a module's text, parsed; None where there is none, or running it is its purpose."""
    top, *parts = name.split(".")
    if "__main__" in (top, *parts):
        return None
    spec = next(filter(None, (finder.find_spec(top, None) for finder in sys.meta_path)), None)
    for part in parts:
        places = spec.submodule_search_locations if spec is not None else None
        # By its last name: under its full one a namespace package would ask for its parent.
        spec = PathFinder.find_spec(part, list(places)) if places is not None else None
    loader = spec.loader if spec is not None else None
    text = loader.get_source(spec.name) if spec and isinstance(loader, InspectLoader) else None
    if spec is None or text is None:
        return None
    is_package = spec.submodule_search_locations is not None
    package = name if is_package else name.rpartition(".")[0]
    return Module(name, package, list(_flat(ast.parse(text).body)))


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for part in ("body", "orelse", "finalbody", "handlers"):
                yield from _flat(getattr(statement, part, ()))


def find_class(path: str, kind: type, key: str) -> Any:
    """Import the class at a dotted path and check what it is; nothing else is run.

    A path may come from a record that somebody else wrote. So a module that is not imported yet
    is read first, and imported only if the texts say that the class derives from `kind`.

    Args:
        path: module and class, as in `rnnbench.cells.GRU`.
        kind: what the class must be a subclass of.
        key: how the path is called in an error.

    Raises:
        ValueError: the path leads to nothing, or to something that is not a `kind`.
    """
    module_name, _, class_name = path.rpartition(".")
    try:
        _check_text(path, kind)
        found = getattr(importlib.import_module(module_name), class_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a user's module raises on its import, SystemExit too
        raise ValueError(f"{key} must name a class that can be imported, got {path}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f"{key} must be a {kind.__name__}, got {path}")
    return found


def _check_text(path: str, kind: type) -> None:
    """Check that importing a module can give such a class, without importing it or its packages."""
    module_name, _, class_name = path.rpartition(".")
    if not all(part.isidentifier() for part in [*module_name.split("."), class_name]):
        raise ImportError("it is no dotted path of names")
    if module_name in sys.modules or Lookup(kind).is_found(path):
        return
    if text_of(module_name) is None:
        raise ModuleNotFoundError(f"No module named {module_name!r} is written in Python")
    raise ImportError(f"{module_name} has no class {class_name} that derives from {kind.__name__}")
