"""Find the class of a task or cell by its dotted path."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder
from types import MappingProxyType
from typing import Any

# Yamls and records call the tasks by where they lie in the repository, whose ids stay so; any
# other module of a package `tasks` is the user's.
TASKS = (
    "tasks.adding.Adding",
    "tasks.brackets.Brackets",
    "tasks.copying.Copying",
    "tasks.delay.Delay",
    "tasks.delayed_recall.DelayedRecall",
    "tasks.flip_flop.FlipFlop",
    "tasks.keys.Keys",
    "tasks.language.Language",
    "tasks.order.Order",
    "tasks.selective.Selective",
    "tasks.tracking.Tracking",
)
# Classes that a program has handed over, by their paths: they are taken as they are.
NONE: Mapping[str, type] = MappingProxyType({})
_handed: ContextVar[Mapping[str, type]] = ContextVar("handed", default=NONE)


def is_shipped(path: str) -> bool:
    """Return whether a path, as yamls and records have it, is that of a class of the suite."""
    return path in TASKS or path.startswith("rnnbench.cells.")


def stored_path(path: str) -> str:
    """Return the path under which a class is stored, also given that by which it is imported."""
    short = path.removeprefix("rnnbench.")
    return short if short in TASKS else path


def path_of(kind: type) -> str:
    """Return the path under which a class is stored."""
    return stored_path(f"{kind.__module__}.{kind.__qualname__}")


@contextmanager
def handing(classes: Mapping[str, type]) -> Iterator[None]:
    """Let paths lead to these classes for a while, whatever modules have under them."""
    token = _handed.set({**_handed.get(), **classes})
    try:
        yield
    finally:
        _handed.reset(token)


def is_handed(path: str) -> bool:
    """Return whether the class at a path was handed over by the program."""
    return path in _handed.get()


def is_typed(path: str) -> bool:
    """Return whether a class was made by a program itself (a notebook, say), and not in a module.

    Such a class can never be imported again: it must be handed over.
    """
    return path.startswith("__main__.") or "<locals>" in path


def find_own(config_dir: str | None = None) -> None:
    """Let the user's own modules be found, after all others.

    They are looked for in the working directory, but with `python -P`, and beside `config_dir`.
    """
    places = [] if config_dir is None else [os.path.dirname(os.path.abspath(config_dir))]
    if not sys.flags.safe_path:
        with suppress(FileNotFoundError):  # it has been removed
            places.insert(0, os.getcwd())
    sys.path += [place for place in places if place not in sys.path]


def find_class(path: str, kind: type, key: str) -> Any:
    """Import the class at a dotted path and check that it derives from `kind`.

    Args:
        path: module and class, as in `rnnbench.cells.GRU`.
        key: how the path is called in an error.

    Raises:
        ValueError: the path leads to nothing, or to something that is not a `kind`.
    """
    if path in _handed.get():
        return _handed.get()[path]
    module, _, name = (f"rnnbench.{path}" if path in TASKS else path).rpartition(".")
    if is_typed(path):
        raise ValueError(f"{key} {path} is in no module: hand the class over, as {key}={name}")
    try:
        if not module:
            raise ImportError("its module comes before it, as in mine.Mine")
        found = getattr(importlib.import_module(module), name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a user's module raises on its import, SystemExit too
        raise ValueError(f"{key} must name a class that can be imported, got {path}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f"{key} must be a {kind.__name__}, got {path}")
    return found


def check_path(path: str, key: str) -> None:
    """Check that a file from elsewhere may have a path's module imported; nothing is run here.

    A file may name any module, and importing one runs it. So it must be shipped with the suite,
    or imported already, or its own text must have a class of the name.

    Raises:
        ValueError: it is none of these.
    """
    module, _, name = path.rpartition(".")
    if is_shipped(path) or path in _handed.get() or module in sys.modules:
        return
    parts = module.split(".")
    # A module called __main__ is made to be run.
    if not all(map(str.isidentifier, parts)) or "__main__" in parts or name not in _classes(parts):
        raise ValueError(f"{key} must name a class that can be imported, got {path}")


def _classes(parts: list[str]) -> set[str]:
    """Return the names of the classes in a module's text; none where there is no text."""
    finders = (finder.find_spec(parts[0], None) for finder in sys.meta_path)
    spec = next(filter(None, finders), None)
    for part in parts[1:]:
        places = spec.submodule_search_locations if spec is not None else None
        # By its last name: under its full one a namespace package would import its parent.
        spec = PathFinder.find_spec(part, list(places)) if places is not None else None
    loader = spec.loader if spec is not None else None
    text = loader.get_source(spec.name) if spec and isinstance(loader, InspectLoader) else None
    return {node.name for node in ast.walk(ast.parse(text or "")) if isinstance(node, ast.ClassDef)}
