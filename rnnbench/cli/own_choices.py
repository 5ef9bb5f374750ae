"""Find choices beside the shipped ones: files of --config-dir, and what packages offer by name."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from rnnbench.cli.words import CONFIG_DIR, GROUPS
from rnnbench.console import Mistake, describe
from rnnbench.experiment.class_path import find_own

# The groups of choices, and those of entry points.
OFFERS = {"cell": "rnnbench.cells", "task": "rnnbench.tasks"}


@contextmanager
def offering() -> Iterator[None]:
    """Let Hydra list for a while what is offered; a file of the user's comes before it."""
    _offered.cache_clear()  # something may have been installed since the last command
    repository = ConfigStore.instance().repo
    before = {group: dict(repository.get(group, {})) for group in OFFERS}
    try:
        for group in OFFERS:
            for entry in _offered(group):
                _store(group, entry, {})
        yield
    finally:
        for group, nodes in before.items():
            repository.pop(group, None)
            if nodes:
                repository[group] = nodes


def load_chosen(group: str, names: Iterable[str]) -> None:
    """Import those of the names that packages offer, so that Hydra knows their arguments.

    Raises:
        Mistake: one cannot be imported.
    """
    for name in names if group in OFFERS else ():
        for entry in _offered(group).select(name=name):
            try:
                kind = entry.load()
            except Exception as error:  # whatever a package raises on its import
                where = f"{group}={name}, of {entry.value}"
                raise Mistake(f"{where} cannot be imported: {describe(error)}") from error
            taken = inspect.signature(kind).parameters.values()
            _store(group, entry, {p.name: p.default for p in taken if p.default is not p.empty})


@cache
def _offered(group: str) -> EntryPoints:
    """Return what packages offer of a group, but by the name of a shipped choice."""
    shipped = _shipped_names(group)
    offered = entry_points(group=OFFERS[group])
    return EntryPoints(entry for entry in offered if entry.name not in shipped)


def _store(group: str, entry: EntryPoint, arguments: dict[str, Any]) -> None:
    node = {"_target_": entry.value.replace(":", "."), "name": entry.name, **arguments}
    ConfigStore.instance().store(group=group, name=entry.name, node=node)


def configuration_directory() -> str:
    """Return the directory `conf`: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "conf"
    return str(inside if inside.is_dir() else package.parent / "conf")


def with_search_path(of_hydra: list[str], flags: Sequence[str]) -> list[str]:
    """Return the overrides of Hydra's keys, and one that adds the directory of a flag."""
    directory: str | None = None
    words = iter(flags)
    for word in words:
        name, equals, value = word.partition("=")
        if name in CONFIG_DIR:
            directory = value if equals else next(words, "")
    if directory is None:
        return of_hydra
    place = os.path.abspath(os.path.expanduser(directory))
    if not directory or not os.path.isdir(place):
        raise HydraException(f"--config-dir must be a directory, got '{directory}'")
    _refuse_shipped_names(Path(place))
    find_own(place)
    given = [word for word in of_hydra if word.startswith("hydra.searchpath=")]
    paths = OverridesParser.create().parse_override(given[0]).value() or [] if given else []
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        return of_hydra  # Hydra says what it must be
    paths = [f"file://{place}", *paths]
    quoted = [QuotedString(path, Quote.single).with_quotes() for path in paths]
    return [f"hydra.searchpath=[{','.join(quoted)}]", *of_hydra]  # Hydra takes the first


def _refuse_shipped_names(own: Path) -> None:
    """Refuse a choice of the user's by the name of a shipped one, which Hydra would take for it."""
    for group in GROUPS:
        shipped = _shipped_names(group)
        for file in sorted((own / group).glob("*.yaml")):
            if file.stem in shipped:
                raise HydraException(f"{file} must have another name: one is shipped")


def _shipped_names(group: str) -> set[str]:
    return {path.stem for path in Path(configuration_directory(), group).glob("*.yaml")}
