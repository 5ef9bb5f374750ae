"""From a dotted path to the class it names; what cannot be one is refused before any import."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterable, Iterator
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder
from typing import Any


def find_class(path: str, kind: type, key: str) -> Any:
    """Import the class at a dotted path and check what it is; nothing else is run.

    A path may come from a record that somebody else wrote. So a module that is not imported yet
    is read first, and imported only if its text gives a value to the class's name.

    Args:
        path: module and class, as in `rnnbench.cells.GRU`.
        kind: what the class must be a subclass of.
        key: how the path is called in an error.

    Raises:
        ValueError: the path leads to nothing, or to something that is not a `kind`.
    """
    module_name, _, class_name = path.rpartition(".")
    try:
        _check_text(module_name, class_name)
        found = getattr(importlib.import_module(module_name), class_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a user's module raises on its import, SystemExit too
        raise ValueError(f"{key} must name a class that can be imported, got {path}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f"{key} must be a {kind.__name__}, got {path}")
    return found


def _check_text(module_name: str, class_name: str) -> None:
    """Check that importing a module can give the class, without importing it or its packages."""
    if not all(part.isidentifier() for part in [*module_name.split("."), class_name]):
        raise ImportError("it is no dotted path of names")
    if module_name in sys.modules:
        return
    text = _text_of(module_name)
    if not _gives(ast.parse(text).body, class_name):
        raise ImportError(f"{module_name} defines no {class_name}")


def _text_of(module_name: str) -> str:
    top, *parts = module_name.split(".")
    spec = next(filter(None, (finder.find_spec(top, None) for finder in sys.meta_path)), None)
    for part in parts:
        places = spec.submodule_search_locations if spec is not None else None
        # By its last name: under its full one a namespace package would ask for its parent.
        spec = PathFinder.find_spec(part, list(places)) if places is not None else None
    if spec is None:
        raise ModuleNotFoundError(f"No module named {module_name!r}")
    loader = spec.loader
    text = loader.get_source(spec.name) if isinstance(loader, InspectLoader) else None
    if text is None:
        raise ImportError(f"{module_name} is no file of Python text")
    return text


def _gives(body: Iterable[ast.stmt], name: str) -> bool:
    """Return whether statements bind a name, or may: by a star import or a `__getattr__`."""
    return not {name, "*", "__getattr__"}.isdisjoint(_names(body))


def _names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind, those inside if, try and with as well."""
    for statement in body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            yield statement.name
        elif isinstance(statement, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            yield from (node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
        else:
            for part in ("body", "orelse", "finalbody", "handlers"):
                yield from _names(getattr(statement, part, ()))
