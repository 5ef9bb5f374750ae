"""Hydra's sweeper plugin: it composes all jobs of a sweep at once and starts none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from rnnbench.cli.composer import Composer, Configuration

_jobs: list[Configuration] = []


class CollectingSweeper(Sweeper):
    """Compose every job and put its plain values aside, to be checked before anything starts."""

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        """Take the axes of a sweep file; those of the command line replace them, key by key."""
        self.params = dict(params or {})

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self._loader, self._config = hydra_context.config_loader, config

    def sweep(self, arguments: list[str]) -> None:
        # Hydra's scan for plugins loads this module a second time if it is there before.
        from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

        lines = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        overrides = OverridesParser.create(config_loader=self._loader).parse_overrides(lines)
        for override in overrides:
            if override.is_sweep_override() and not any(override.sweep_string_iterator()):
                given = str(override.input_line).partition("=")[2]
                raise HydraException(f"{override.key_or_group} must have a value, got {given}")
        (jobs,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
        composer = Composer(self._loader, self._config)
        _jobs.extend(map(composer.compose, jobs))


def collected() -> list[Configuration]:
    """Return the jobs put aside since the last call."""
    jobs = list(_jobs)
    _jobs.clear()
    return jobs


@dataclass
class SweeperConfiguration:
    """The choice `hydra/sweeper: rnnbench`."""

    _target_: str = "rnnbench.cli.plugin.CollectingSweeper"
    params: dict[str, Any] | None = None


def register() -> None:
    """Make the sweeper known to Hydra."""
    accepts = getattr(Plugins, "is_in_toplevel_plugins_module", None)
    if accepts is not None:  # Hydra 1.3 takes plugins from its own namespace alone
        own = staticmethod(lambda name: name.startswith("rnnbench.") or accepts(name))
        Plugins.is_in_toplevel_plugins_module = own  # type: ignore[method-assign, assignment]
    Plugins.instance().register(CollectingSweeper)
    store = ConfigStore.instance()
    store.store(group="hydra/sweeper", name="rnnbench", node=SweeperConfiguration)
