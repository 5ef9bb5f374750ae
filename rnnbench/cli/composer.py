"""From a job's overrides to its configuration: Hydra composes each choice of groups but once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

Configuration = dict[str, Any]


class Composer:
    """Composes the jobs of one sweep.

    Hydra composes the files that a job chooses, and then sets the job's plain values. The first
    part takes ten times as long as the second, and many jobs choose the same files: so it is
    done once for each choice, and the values are set, by Hydra's own function, on a copy. A job
    that holds anything else, or whose values cannot be set, is composed by Hydra itself.
    """

    def __init__(self, loader: ConfigLoader, sweep: DictConfig) -> None:
        """Prepare to compose.

        Args:
            loader: Hydra's own.
            sweep: the configuration of the whole sweep, as Hydra hands it to a sweeper.
        """
        self.loader, self.sweep = loader, sweep
        self._parser = OverridesParser.create(config_loader=loader)
        self._parse = cache(self._parser.parse_override)
        self._is_group = cache(self._look_for_group)
        self._base = cache(self._compose_base)

    def compose(self, overrides: Sequence[str]) -> Configuration:
        """Return a job's configuration, as plain values and without Hydra's part.

        Raises:
            HydraException, OmegaConfBaseException: it cannot be composed.
        """
        parsed = [self._parse(line) for line in overrides]
        if not all(map(self._is_plain, parsed)):
            return self.compose_alone(overrides)
        choices = [self._is_group(override.key_or_group) for override in parsed]
        chosen = tuple(line for line, yes in zip(overrides, choices, strict=True) if yes)
        values = [override for override, yes in zip(parsed, choices, strict=True) if not yes]
        base = self._base(chosen)
        try:
            configuration = copy.deepcopy(base)
            ConfigLoaderImpl._apply_overrides_to_config(values, configuration)
            return plain(configuration)
        except (HydraException, OmegaConfBaseException):
            return self.compose_alone(overrides)  # which says what is wrong in its own words

    def compose_alone(self, overrides: Sequence[str]) -> Configuration:
        """Return what `compose` returns, composed by Hydra from the files."""
        return plain(_own(self.loader.load_sweep_config(self.sweep, list(overrides))))

    def _compose_base(self, chosen: tuple[str, ...]) -> DictConfig:
        own = _own(self.loader.load_sweep_config(self.sweep, list(chosen)))
        OmegaConf.set_struct(own, True)  # as Hydra has it where it sets values
        return own

    def _is_plain(self, override: Override) -> bool:
        """Return whether an override chooses a file by its name, or sets a value, and no more."""
        if override.package or override.is_sweep_override():
            return False
        if override.key_or_group.partition("/")[0].partition(".")[0] == "hydra":
            return False
        is_choice = isinstance(override.value(), str) and not override.is_delete()
        return is_choice or not self._is_group(override.key_or_group)

    def _look_for_group(self, key: str) -> bool:
        hydra = self.sweep.hydra
        found = self.loader.get_group_options(
            key,
            results_filter=None,
            config_name=hydra.job.config_name,
            overrides=list(hydra.overrides.hydra),
        )
        return bool(found)


def plain(configuration: DictConfig) -> Configuration:
    """Return a configuration as nested dicts and lists."""
    values: Any = OmegaConf.to_container(configuration, resolve=True, throw_on_missing=True)
    return {str(key): value for key, value in values.items()}


def _own(configuration: DictConfig) -> DictConfig:
    """Return a configuration without Hydra's part."""
    keys = [str(key) for key in configuration if key != "hydra"]
    return OmegaConf.masked_copy(configuration, keys)
