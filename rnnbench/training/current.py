"""Tell whether a class in memory is still what its module's file says.

A notebook imports a module once. What is edited afterwards is not what it trains.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import CodeType, FunctionType
from weakref import WeakKeyDictionary

import rnnbench
from rnnbench.experiment.class_path import is_typed
from rnnbench.experiment.condition import Condition
from rnnbench.store.settings import digest
from rnnbench.training.code import is_own, source_of
from rnnbench.training.live_code import code_text, reached

# The text of each class, as it was when it was first asked for.
_texts: WeakKeyDictionary[type, str] = WeakKeyDictionary()


def check_current(conditions: Iterable[Condition]) -> None:
    """Check that no class of a module, nor what it computes with, was edited since its import.

    Raises:
        ValueError: a file was edited; the text is one line.
    """
    classes = {path: it for condition in conditions for path, it in condition.own_classes.items()}
    for kind in (it for path, it in classes.items() if not is_typed(path)):
        text = digest(source_of(kind))
        if text != _texts.setdefault(kind, text) or _differs(kind):
            name = kind.__module__
            raise ValueError(
                f"{name}.{kind.__qualname__} was edited since it was imported: "
                f"restart, or importlib.reload({name}) and hand over the new class"
            )


def _differs(kind: type) -> bool:
    """Return whether a function is not what its file, which was written since, now has."""
    functions = [it for it in reached(kind, is_own) if isinstance(it, FunctionType)]
    for path in {function.__code__.co_filename for function in functions}:
        if not os.path.isfile(path) or os.path.getmtime(path) < rnnbench.imported_at:
            continue
        with open(path, "rb") as file:
            written = _codes(compile(file.read(), path, "exec", dont_inherit=True))
        own = [it.__code__ for it in functions if it.__code__.co_filename == path]
        if any(code_text(code) not in written for code in own):
            return True
    return False


def _codes(code: CodeType) -> set[str]:
    inner = (_codes(it) for it in code.co_consts if isinstance(it, CodeType))
    return {code_text(code)}.union(*inner)
