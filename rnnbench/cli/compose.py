"""From a job's overrides to its configuration: Hydra composes each choice of groups but once."""

from __future__ import annotations

import copy
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.cli.help import register_help, wrap
from rnnbench.cli.message import COMPOSING

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

    _target_: str = "rnnbench.cli.compose.CollectingSweeper"
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


# Flags that only show something; there a multirun would be refused.
SHOWING = (
    *("--help", "-h", "--hydra-help", "--version", "--cfg", "-c", "--info", "-i"),
    *("--shell-completion", "-sc"),
)
TAKING_A_VALUE = (
    *("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn"),
    *("--cfg", "-c", "--package", "-p", "--info", "-i", "--shell-completion", "-sc"),
)
HELP = ("--help", "-h")
# All jobs go through the suite's own sweeper, and nothing of Hydra's own is started or written.
# Hydra takes any beginning of a flag for the flag.
RESERVED = re.compile(r"[+~]*(hydra[./@](?!searchpath|verbose|job\.)[^=]*)")
# A choice is a file of its group, not one anywhere else.
ELSEWHERE = re.compile(r"\+*(task|cell|sweep|tracker)=(.*(?<![\w.])(?:\.\.(?!\w)|/).*)")
UNPICKLES = "--experimental-rerun"


def configuration_directory() -> str:
    """Return the directory `conf`: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "conf"
    return str(inside if inside.is_dir() else package.parent / "conf")


def compose(arguments: Sequence[str]) -> list[Configuration]:
    """Return the configuration of every job; none where the command only asks to be shown one.

    Every command is a sweep, be it of one job, so that there is one way through.

    Raises:
        HydraException: the command or a file of the configuration is wrong.
    """
    register()
    register_help()
    collected()  # nothing is left of a command that failed half-way
    with _surroundings([sys.argv[0], *arrange(arguments)]):
        application = hydra.main(
            version_base="1.3", config_path=configuration_directory(), config_name="config"
        )
        _refuse_usage(application(_never_called))
    return collected()


def arrange(arguments: Sequence[str]) -> list[str]:
    """Put overrides before flags, as Hydra wants them, and ask for a multirun."""
    overrides: list[str] = []
    flags: list[str] = []
    for index, word in enumerate(arguments):
        belongs_to_flag = index > 0 and arguments[index - 1] in TAKING_A_VALUE
        (flags if word.startswith("-") or belongs_to_flag else overrides).append(word)
    for word in overrides:
        reserved = RESERVED.match(word)
        if reserved and word != "hydra.mode=MULTIRUN":
            value = word.partition("=")[2]
            raise HydraException(f"{reserved.group(1)} must be left alone, got {value}")
        elsewhere = ELSEWHERE.match(word)
        if elsewhere:
            key, value = elsewhere.groups()
            raise HydraException(f"{key} must be a name, got {value}")
        if re.match(r"\+*sweep=.*,", word):
            raise HydraException(f"sweep must be one name, got {word.split('=')[1]}")
    for word in flags:
        name = word.split("=")[0]
        if len(name) > 2 and UNPICKLES.startswith(name):
            raise HydraException(f"{UNPICKLES} must be left alone: it runs what is in a file")
    shows = any(word.split("=")[0] in SHOWING for word in flags)
    return [*overrides, *flags, *([] if shows else ["--multirun"])]


def _never_called(configuration: DictConfig) -> None:
    """Stand where Hydra wants a job's function: the sweeper plugin takes the jobs instead."""


def _refuse_usage(run: Any) -> None:
    """Run Hydra; turn its parser's usage message into an error of one line."""
    complaints, shown = io.StringIO(), io.StringIO()
    asks_for_help = any(word in HELP for word in sys.argv)
    try:
        with redirect_stderr(complaints), redirect_stdout(shown if asks_for_help else sys.stdout):
            run()
    except SystemExit as leaving:
        if leaving.code:
            raise HydraException(complaints.getvalue().strip().splitlines()[-1]) from leaving
    except ValueError as error:
        if isinstance(error, COMPOSING):
            raise
        raise HydraException(str(error)) from error  # of a choice that is no name, for one
    print(complaints.getvalue(), end="", file=sys.stderr)
    if asks_for_help:
        print(wrap(shown.getvalue()))


@contextmanager
def _surroundings(words: list[str]) -> Iterator[None]:
    """Give Hydra its words, and let its errors through."""
    before, variables = sys.argv, dict(os.environ)
    sys.argv = words
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before
        os.environ.clear()
        os.environ.update(variables)
