"""From a dotted path to the class it names; what cannot be one is refused before any import."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from rnnbench.class_text import Lookup, text_of


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
