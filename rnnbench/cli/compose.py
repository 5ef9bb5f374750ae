"""Compose the configuration of every job that a command asks for."""

from __future__ import annotations

import copy
import io
import itertools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, Quote, QuotedString
from hydra.errors import HydraException
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rnnbench.cli.help import register_help, wrap
from rnnbench.cli.message import one_line
from rnnbench.console import Mistake
from rnnbench.experiment.class_path import find_own

Configuration = dict[str, Any]
# What a wrong word or file raises; ValueError: of a choice that is no name.
FAILURES = (HydraException, OmegaConfBaseException, YAMLError, ValueError)

CONFIG_DIR = ("--config-dir", "-cd")
MULTIRUN = ("--multirun", "-m")  # who knows Hydra may type it; every command is one here
HELP = {"--help", "-h"}
# Hydra itself does what these ask for; those of the first line take a value.
SHOWING = {"--cfg", "-c", "--info", "-i", "--shell-completion", "-sc"}
TAKING_A_VALUE = {*SHOWING, *CONFIG_DIR, "--package", "-p"}
SHOWING |= {*HELP, "--hydra-help", "--version"}
# All jobs are made here, and nothing of Hydra's own is started or written.
RESERVED = re.compile(r"[+~]*(hydra[./@](?!searchpath|verbose|job\.)[^=]*)")
# A choice is a file of its group, not one anywhere else.
ELSEWHERE = re.compile(
    r"\+*(task|cell|sweep|tracker|cluster)=(.*(?<![\w.])(?:\.\.(?!\w)|/).*|\s*\[.*\{.*)"
)
OPEN = "cluster.options."  # whatever keys stand below it
UNPICKLES = "--experimental-rerun"  # Hydra takes any beginning of a flag for the flag


class Composer:
    """Composes the jobs of one sweep.

    Hydra reads the files that a job chooses, and then sets the job's plain values. Reading takes
    most of the time, and many jobs choose the same files: so they are read once for each choice,
    and the values are set on a copy. A job with anything else in it, or with a value that cannot
    be set, is composed by Hydra as a whole, whose errors say what is wrong.
    """

    def __init__(self, of_hydra: Sequence[str]) -> None:
        """Prepare to compose jobs that share the overrides of Hydra's own keys."""
        self._of_hydra = list(of_hydra)
        options = GlobalHydra.instance().config_loader().get_group_options
        self._options = partial(options, config_name="config", overrides=self._of_hydra)
        # Hydra's own loader would leave out the search path when it looks for glob(*).
        loader: Any = SimpleNamespace(get_group_options=self._options)
        self._parser = OverridesParser.create(config_loader=loader)
        self._parse = cache(self._parser.parse_override)
        self._is_group = cache(lambda key: bool(self._options(key, results_filter=None)))
        self._read = cache(self._compose)

    def jobs(self, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Return the overrides of each job: every combination of the values on the axes.

        The axes are those of a sweep file; the command line's replace them, key by key.
        """
        given = self._parser.parse_overrides(list(words))
        files = [word for word, o in zip(words, given, strict=True) if self._chooses_file(o)]
        params = self._compose(files, return_hydra_config=True).hydra.sweeper.params
        axes = [f"{key}={value}" for key, value in (params or {}).items()]
        choices: dict[str, list[str]] = {}
        for override in [*self._parser.parse_overrides(axes), *given]:
            key = override.get_key_element()
            choices[key] = [f"{self._mark(override, v)}{key}={v}" for v in _values(override)]
        return itertools.product(*choices.values())

    def compose(self, overrides: Sequence[str]) -> Configuration:
        """Return a job's configuration, as plain values and without Hydra's part.

        Raises:
            HydraException, OmegaConfBaseException: it cannot be composed.
        """
        try:
            return plain(self.configure(overrides))
        except (HydraException, OmegaConfBaseException):
            return self.compose_alone(overrides)

    def configure(self, overrides: Sequence[str]) -> DictConfig:
        """Return a job's configuration, a new one, before its interpolations are resolved."""
        parsed = [self._parse(line) for line in overrides]
        chosen = [self._chooses_file(override) for override in parsed]
        values = [override for override, yes in zip(parsed, chosen, strict=True) if not yes]
        if all(map(self._is_value, values)):
            return _with_values(self._read(tuple(itertools.compress(overrides, chosen))), values)
        return self._compose(overrides)

    def options(self, group: str) -> list[str]:
        """Return the names of the files of a group."""
        return list(self._options(group))

    def compose_alone(self, overrides: Sequence[str]) -> Configuration:
        """Return what `compose` returns, composed by Hydra as a whole."""
        return plain(self._compose(overrides))

    def _compose(self, overrides: Sequence[str], **options: bool) -> DictConfig:
        return hydra.compose("config", [*self._of_hydra, *overrides], **options)

    def _chooses_file(self, override: Override) -> bool:
        is_word = isinstance(override.value(), str) and not override.is_delete()
        return is_word and not override.package and self._is_group(override.key_or_group)

    def _mark(self, override: Override, value: str) -> str:
        """Return what lets a key be new; the settings refuse it where none may be."""
        key = override.key_or_group
        is_open = key.startswith(OPEN) or (value.startswith("{") and not self._is_group(key))
        is_change = override.type is OverrideType.CHANGE and not override.package
        return "++" if is_open and is_change else ""

    def _is_value(self, override: Override) -> bool:
        """Return whether an override sets a value, and no more."""
        more = override.package or override.is_delete()
        return not (more or self._is_group(override.key_or_group))


def _values(override: Override) -> list[str]:
    """Return the values that an override gives to its key, one for each job."""
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    values = list(override.sweep_string_iterator())
    if not any(values):
        given = str(override.input_line).partition("=")[2]
        raise HydraException(f"{override.key_or_group} must have a value, got {given}")
    return values


def _with_values(files: DictConfig, values: Sequence[Override]) -> DictConfig:
    """Return a copy in which values are set as Hydra sets them: a new key needs a plus."""
    configuration = copy.deepcopy(files)
    for override in values:
        key, adds = override.key_or_group, override.is_add()
        if adds and OmegaConf.select(configuration, key) is not None:
            raise HydraException(f"{key} is there already")
        force = adds or override.is_force_add()
        OmegaConf.update(configuration, key, override.value(), force_add=force)
    return configuration


def plain(configuration: DictConfig) -> Configuration:
    """Return a configuration as nested dicts and lists."""
    values: Any = OmegaConf.to_container(configuration, resolve=True, throw_on_missing=True)
    return {str(key): value for key, value in values.items()}


def configuration_directory() -> str:
    """Return the directory `conf`: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "conf"
    return str(inside if inside.is_dir() else package.parent / "conf")


def compose(arguments: Sequence[str]) -> list[Configuration]:
    """Return the configuration of every job; none where the command only asks to be shown one.

    Raises:
        Mistake: the command or a file of the configuration is wrong.
    """
    overrides, flags = arrange(arguments)
    try:
        refuse(overrides, flags)
        if any(word.split("=")[0] in SHOWING for word in flags):
            _show([*overrides, *flags])
            return []
        of_hydra = [word for word in overrides if re.match(r"[+~]*hydra\.", word)]
        words = [word for word in overrides if word not in of_hydra]
        with open_composer(of_hydra, flags) as composer:
            return list(map(composer.compose, composer.jobs(words)))
    except FAILURES as error:
        raise Mistake(one_line(error)) from error


@contextmanager
def open_composer(of_hydra: Sequence[str] = (), flags: Sequence[str] = ()) -> Iterator[Composer]:
    """Initialise Hydra for a while: beside one that the calling program has for itself."""
    ours, version = GlobalHydra.instance(), VersionBase.instance()
    theirs = ours.hydra, version.version_base
    ours.clear()
    try:
        with hydra.initialize_config_dir(configuration_directory(), version_base="1.3"):
            yield Composer(_with_search_path(list(of_hydra), flags))
    finally:
        GlobalHydra.instance().hydra, version.version_base = theirs


def arrange(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the overrides, and the flags with their values: they may stand anywhere."""
    overrides: list[str] = []
    flags: list[str] = []
    for before, word in itertools.pairwise(["", *arguments]):
        is_flag = word.startswith("-") or before in TAKING_A_VALUE
        (flags if is_flag else overrides).append(word)
    return overrides, flags


def refuse(overrides: Sequence[str], flags: Sequence[str] = ()) -> None:
    """Check that a command asks for nothing that Hydra should not do."""
    for word in overrides:
        key, _, value = word.partition("=")
        reserved = RESERVED.match(word)
        if reserved and word != "hydra.mode=MULTIRUN":
            raise HydraException(f"{reserved.group(1)} must be left alone, got {value}")
        if ELSEWHERE.match(word):
            raise HydraException(f"{key.lstrip('+')} must be a name, got {value}")
        if key.lstrip("+") == "sweep" and "," in value:
            raise HydraException(f"sweep must be one name, got {value}")
    for word in flags:
        name = word.split("=")[0]
        if len(name) > 2 and UNPICKLES.startswith(name):
            raise HydraException(f"{UNPICKLES} must be left alone: it runs what is in a file")


def _with_search_path(of_hydra: list[str], flags: Sequence[str]) -> list[str]:
    """Return the overrides of Hydra's keys, and one that adds the directory of a flag."""
    directory: str | None = None
    words = iter(flags)
    for word in words:
        name, equals, value = word.partition("=")
        if name in CONFIG_DIR:
            directory = value if equals else next(words, "")
        elif word not in MULTIRUN:
            raise HydraException(f"unrecognized arguments: {word}")
    if directory is None:
        return of_hydra
    place = os.path.abspath(directory)
    if not directory or not os.path.isdir(place):
        raise HydraException(f"--config-dir must be a directory, got '{directory}'")
    find_own(place)
    given = [word for word in of_hydra if word.startswith("hydra.searchpath=")]
    paths = OverridesParser.create().parse_override(given[0]).value() or [] if given else []
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        return of_hydra  # Hydra says what it must be
    paths = [f"file://{place}", *paths]
    quoted = [QuotedString(path, Quote.single).with_quotes() for path in paths]
    return [f"hydra.searchpath=[{','.join(quoted)}]", *of_hydra]  # Hydra takes the first


def _show(words: list[str]) -> None:
    """Let Hydra show what the flags ask for; its parser's usage message becomes one line."""
    register_help()
    main = hydra.main(configuration_directory(), "config", version_base="1.3")
    complaints, shown = io.StringIO(), io.StringIO()
    asks_for_help = not HELP.isdisjoint(words)
    before, variables = sys.argv, dict(os.environ)
    try:
        sys.argv = [before[0], *words]
        os.environ["HYDRA_FULL_ERROR"] = "1"  # errors are raised, not printed
        with redirect_stderr(complaints), redirect_stdout(shown if asks_for_help else sys.stdout):
            main(lambda configuration: None)()  # Hydra wants a job's function, and never calls it
    except SystemExit as leaving:
        if leaving.code:
            raise HydraException(complaints.getvalue().strip().splitlines()[-1]) from leaving
    finally:
        sys.argv = before
        os.environ.clear()
        os.environ.update(variables)
    print(complaints.getvalue(), end="", file=sys.stderr)
    if asks_for_help:
        print(wrap(shown.getvalue()))
