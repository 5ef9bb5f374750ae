"""Cells and tasks that installed packages offer by a name, loaded when one is chosen."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hydra.core.config_store import ConfigStore

from rnnbench.console import Mistake, describe

# The groups of choices, and those of entry points.
OFFERS = {"cell": "rnnbench.cells", "task": "rnnbench.tasks"}


@contextmanager
def offering() -> Iterator[None]:
    """Let Hydra list for a while what is offered; a file of the same name comes first."""
    repository = ConfigStore.instance().repo
    before = {group: dict(repository.get(group, {})) for group in OFFERS}
    try:
        for group, own in OFFERS.items():
            for entry in entry_points(group=own):
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
        for entry in entry_points(group=OFFERS[group], name=name):
            try:
                kind = entry.load()
            except Exception as error:  # whatever a package raises on its import
                where = f"{group}={name}, of {entry.value}"
                raise Mistake(f"{where} cannot be imported: {describe(error)}") from error
            taken = inspect.signature(kind).parameters.values()
            _store(group, entry, {p.name: p.default for p in taken if p.default is not p.empty})


def _store(group: str, entry: EntryPoint, arguments: dict[str, Any]) -> None:
    node = {"_target_": entry.value.replace(":", "."), "name": entry.name, **arguments}
    ConfigStore.instance().store(group=group, name=entry.name, node=node)
