"""Tell what a class computes by its compiled form, where no module has its text.

A class that was typed into a notebook has no file, and that of a script may have been edited since
it was read. Its compiled functions are what is run; another version of Python compiles others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

PLAIN = (bool, int, float, complex, str, bytes, type(None))
UNSAID = {"__module__", "__dict__", "__weakref__", "__doc__", "__annotations__", "__qualname__"}
UNSAID |= {"__firstlineno__", "__static_attributes__", "__abstractmethods__", "_abc_impl"}


IsOwn = Callable[[str, str], bool]  # of a module's name, and of the one that counts as home


def compiled_form(kind: type, is_own: IsOwn) -> list[str]:
    """Return a class and whatever of the user's own it refers to, as texts."""
    parts = [part for thing in reached(kind, is_own) for part in _parts(thing)]
    return sorted({f"{name} {_text(value)}" for name, value in parts})


def reached(kind: type, is_own: IsOwn) -> list[type | FunctionType]:
    """Return a class, and the user's own classes and functions that it leads to."""
    home, waiting = kind.__module__, list[Any]([kind])
    found: dict[int, type | FunctionType] = {}
    while waiting:
        thing = waiting.pop(0)
        own = thing.__module__ == home or is_own(thing.__module__ or "", home.partition(".")[0])
        if id(thing) not in found and own:
            found[id(thing)] = thing
            waiting += [it for _, part in _parts(thing) for it in _definitions(part)]
    return list(found.values())


def code_text(code: CodeType) -> str:
    """Return what is executed, wherever it stands, as text."""
    return _text(_code(code))


def _parts(thing: type | FunctionType) -> Iterator[tuple[str, Any]]:
    return _of_class(thing) if isinstance(thing, type) else _of_function(thing)


def _of_class(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the attributes and bases of a class."""
    for name, value in sorted(vars(kind).items()):
        if name not in UNSAID:
            yield name, value
    for base in kind.__bases__:
        yield "base", base


def _of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function does, its defaults, and the values of the names in it."""
    name, code = function.__name__, function.__code__
    yield name, _code(code, function.__doc__)
    yield name, [function.__defaults__, function.__kwdefaults__]
    known = dict(inspect.getclosurevars(function).nonlocals)
    for used in sorted(_names(code)):
        if used in known or used in function.__globals__:
            value = known.get(used, function.__globals__.get(used))
            yield used, value
            if isinstance(value, ModuleType):
                inner = {attribute: getattr(value, attribute, None) for attribute in _names(code)}
                yield from ((key, it) for key, it in inner.items() if _definitions(it))
    yield from known.items()


def _code(code: CodeType, docstring: str | None = None) -> list[Any]:
    """Return what is executed, wherever it stands."""
    constants = [_code(it) if isinstance(it, CodeType) else it for it in code.co_consts]
    if docstring is not None and constants[:1] == [docstring]:
        constants[0] = None
    return [code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants]


def _names(code: CodeType) -> set[str]:
    inner = [_names(it) for it in code.co_consts if isinstance(it, CodeType)]
    return set(code.co_names).union(*inner)


def _definitions(value: Any) -> list[Any]:
    """Return the classes and functions that a value is, or wraps, or holds."""
    value = getattr(value, "__func__", value)
    if isinstance(value, property):
        return [it for it in (value.fget, value.fset) if it is not None]
    if isinstance(value, type | FunctionType):
        return [value]
    if isinstance(value, list | tuple):
        return [it for each in value for it in _definitions(each)]
    return []


def _text(value: Any) -> str:
    """Return a value as text that has no address in it."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_text, value)))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_text(it)}' for key, it in value.items())}}}"
    if hasattr(value, "tolist") and not isinstance(value, type):  # a tensor, an array
        return repr(value.tolist())
    return getattr(value, "__name__", type(value).__name__)
