"""Turn Python values into the configurations of jobs; no value goes through a grammar of words."""

from __future__ import annotations

import inspect
import itertools
import os
import re
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any

import torch
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf, open_dict
from pydantic import BaseModel

from rnnbench.cell import Cell
from rnnbench.cli.compose import FAILURES, Composer, Configuration, open_composer
from rnnbench.cli.message import one_line
from rnnbench.cli.settings import Settings
from rnnbench.cli.words import ADDED, GROUPS, refuse
from rnnbench.console import Mistake
from rnnbench.experiment.class_path import find_class, is_shipped, path_of
from rnnbench.store.settings import digest
from rnnbench.task import Task

KINDS: Mapping[str, type] = {"task": Task, "cell": Cell}
Key = tuple[str, ...]
Leaves = dict[Key, Any]


def compose_values(
    given: Mapping[str, Any], config_dir: str | os.PathLike[str] | None = None
) -> list[Configuration]:
    """Return the configuration of every job: of every combination where a list gives several.

    Args:
        given: values by key. A key has dots, or its value is a dict of inner keys.
        config_dir: a directory of further yamls.

    Raises:
        Mistake: a key or a value is wrong.
    """
    keys = {tuple(key.lstrip("+").split(".")): value for key, value in given.items()}
    flags = [] if config_dir is None else ["--config-dir", _plain_value(config_dir, "config_dir")]
    try:
        with open_composer(flags=flags) as composer:
            choices = [_Choices(composer, keys).of(key, value) for key, value in keys.items()]
            leaves = [_merged(leaves) for leaves in itertools.product(*choices)]
            beside = len({repr(it.get(("cell",))) for it in leaves}) > 1
            # Many have the same files.
            jobs_of = cache(lambda words: list(composer.jobs(words, beside=beside)))
            return [job for it in leaves for job in _compose(composer, it, jobs_of)]
    except FAILURES as error:
        raise Mistake(one_line(error)) from error


def _compose(
    composer: Composer,
    leaves: Leaves,
    jobs_of: Callable[[tuple[str, ...]], list[tuple[str, ...]]],
) -> Iterator[Configuration]:
    """Yield the jobs of one choice of values: several where a sweep file has axes of its own."""
    files = {key[0]: leaves[key] for key in leaves if _is_file(key, leaves[key])}
    values = {key: value for key, value in leaves.items() if key[0] not in files or len(key) > 1}
    with _as_files(files) as names:
        words = tuple(_word(group, name) for group, name in names.items())
        for lines in dict.fromkeys(_without(job, values) for job in jobs_of(words)):
            configuration = composer.configure(lines)
            for key, value in values.items():
                _set(configuration, key, value)
            yield composer.plain(configuration)


def _merged(choices: Iterable[Leaves]) -> Leaves:
    merged: Leaves = {}
    for leaves in choices:
        twice = merged.keys() & leaves.keys()
        if twice:
            raise Mistake(f"{'.'.join(min(twice))} must be given once, got it twice")
        merged |= leaves
    return merged


class _Choices:
    """The values that a key is given, as one set of leaves for each job."""

    def __init__(self, composer: Composer, given: Mapping[Key, Any]) -> None:
        self._composer, self._given = composer, given

    def of(self, key: Key, value: Any) -> list[Leaves]:
        name = ".".join(key)
        if hasattr(value, "tolist") and not isinstance(value, type):  # of numpy, torch, pandas
            value = value.tolist()
        kind = KINDS.get(name)
        if kind and isinstance(value, kind):
            own = type(value).__name__
            rule = f"write {name}={own}, and its arguments as {name}.NAME=..."
            raise Mistake(f"{name} must be a class, got an object of {own}: {rule}")
        if kind and isinstance(value, type):
            value = {"_target_": value}
        if kind and isinstance(value, Mapping) and "_target_" in value:
            rest = {inner: it for inner, it in value.items() if inner not in ("_target_", "name")}
            section = self._section(kind, name, value)
            return [{key: section} | leaves for leaves in self.of(key, rest)]
        if isinstance(value, Mapping):
            inner = [self.of((*key, _text(part, name)), it) for part, it in value.items()]
            return [_merged(leaves) for leaves in itertools.product(*inner)]
        if not _is_several(value):
            return [{key: _plain_value(value, name)}]
        if self._takes_a_list(key):
            return [{key: _plain_list(value, name)}]
        several = [leaves for it in value for leaves in self.of(key, it)]
        if not several:
            raise Mistake(f"{name} must have a value, got []")
        return several

    def _section(self, kind: type, name: str, value: Mapping[str, Any]) -> str | dict[str, Any]:
        """Return the beginning of a section; a shipped class has a file of its own."""
        target = value["_target_"]
        if not isinstance(target, type):
            last = str(target).rpartition(".")[2].lower()
            return {"_target_": _text(target, name), "name": value.get("name", last)}
        if not issubclass(target, kind):
            raise Mistake(f"{name} must be a {kind.__name__}, got {target.__qualname__}")
        return shipped_name(self._composer, name, target) or {
            "_target_": path_of(target),
            "name": value.get("name", target.__name__.lower()),
        }

    def _takes_a_list(self, key: Key) -> bool:
        """Return whether the value of a key is a list, so that a list is one value of it."""
        if len(key) == 2 and key[0] in KINDS:
            return any(_is_list(_hints(it).get(key[1])) for it in self._classes(key[0]))
        annotation: Any = Settings
        for part in key:
            fields = [model.model_fields.get(part) for model in _models(annotation)]
            annotation = next((field.annotation for field in fields if field), None)
        return _is_list(annotation)

    def _classes(self, group: str) -> Iterator[type]:
        """Yield the classes that are given for a task or cell."""
        given = self._given.get((group,))
        choices: Any = given if _is_several(given) else [given]
        for choice in choices:
            target = choice.get("_target_") if isinstance(choice, Mapping) else choice
            if isinstance(target, str) and choice is target or target is None:
                words = [_word(group, target)] if target else []
                target = OmegaConf.select(self._composer.configure(words), f"{group}._target_")
            yield find_class(target, KINDS[group], group) if isinstance(target, str) else target


def shipped_name(composer: Composer, group: str, kind: type) -> str | None:
    """Return the file of a group that has a shipped class; None of a user's own class."""
    for name in composer.options(group) if kind.__module__.startswith("rnnbench.") else ():
        target = composer.configure([_word(group, name)])[group]["_target_"]
        if is_shipped(target) and find_class(target, KINDS[group], group) is kind:
            return name
    return None


def _word(group: str, name: Any) -> str:
    """Return the word that chooses a file of a group."""
    if not isinstance(name, str):
        raise Mistake(f"{group} must be a name, got {name!r}")
    plus = "+" if group in ADDED else ""
    refuse([f"{plus}{group}={name}"], [])
    return f"{plus}{group}={QuotedString(name, Quote.single).with_quotes()}"


def _is_file(key: Key, value: Any) -> bool:
    return len(key) == 1 and key[0] in GROUPS and (value is not None or key[0] in KINDS)


@contextmanager
def _as_files(files: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Give sections that are no files a name in their group, as if they were, for a while."""
    repository = ConfigStore.instance().repo
    sections = {group: it for group, it in files.items() if isinstance(it, dict)}
    names = {group: f"given-{digest(section)}" for group, section in sections.items()}
    try:
        for group, section in sections.items():
            ConfigStore.instance().store(name=names[group], node=section, group=group)
        yield dict(files) | names
    finally:
        for group, name in names.items():
            del repository[group][f"{name}.yaml"]


def _without(job: Iterable[str], values: Collection[Key]) -> tuple[str, ...]:
    """Return a job's overrides but for the keys that have a value here."""
    own = {".".join(key) for key in values}
    return tuple(line for line in job if line.partition("=")[0].lstrip("+") not in own)


def _set(configuration: DictConfig, key: Key, value: Any) -> None:
    """Set a value as it is; what is no key of the settings is refused when they are checked."""
    with open_dict(configuration):
        place: Any = configuration
        for part in key[:-1]:
            if not isinstance(place.get(part), DictConfig):
                place[part] = {}
            place = place[part]
        place[key[-1]] = _escaped(value)


def _escaped(value: Any) -> Any:
    """Return a value in which OmegaConf finds nothing to resolve."""
    if isinstance(value, list):
        return [_escaped(it) for it in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", value)


def _is_several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | Enum)


def _plain_list(value: Iterable[Any], key: str) -> list[Any]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [_plain_list(it, key) if _is_several(it) else _plain_value(it, key) for it in value]


def _plain_value(value: Any, key: str) -> Any:
    """Return a number, text, truth value or None as one of Python's own types.

    Raises:
        Mistake: it is none of these, or a text of several lines.
    """
    if hasattr(value, "tolist") and not isinstance(value, type):
        value = value.tolist()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, torch.dtype | torch.device):
        return str(value).removeprefix("torch.")
    if isinstance(value, os.PathLike | str):
        return _text(os.fspath(value), key)
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if value is None:
        return None
    raise Mistake(f"{key} must be a number, a text, true, false or null, got {value!r}")


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise Mistake(f"{key} must be a text, got {value!r}")
    if "\0" in value or value.splitlines() not in ([], [value]):
        raise Mistake(f"{key} must be one line, got {value!a}")
    return str(value)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models among the types of an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def _is_list(annotation: Any) -> bool:
    """Return whether an annotation, or one of its alternatives, is that of a list."""
    kind = typing.get_origin(annotation) or annotation
    if isinstance(kind, type) and kind is not UnionType:
        return issubclass(kind, Collection) and not issubclass(kind, str | bytes | Mapping)
    return any(map(_is_list, typing.get_args(annotation)))


@cache
def _hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind.__init__)  # type: ignore[misc]
    except NameError:  # told where the arguments are checked
        return dict.fromkeys(inspect.signature(kind).parameters)
