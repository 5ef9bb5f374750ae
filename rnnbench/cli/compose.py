"""Compose the configuration of every job that a command asks for."""

from __future__ import annotations

import copy
import io
import itertools
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rnnbench import __version__
from rnnbench.cli.help import help_text
from rnnbench.cli.message import not_a_choice, one_line
from rnnbench.cli.own_choices import (
    configuration_directory,
    load_chosen,
    offering,
    with_search_path,
)
from rnnbench.cli.words import (
    ADDED,
    GROUPS,
    HELP,
    SHOWING,
    TEXTS,
    VERSION,
    Known,
    arrange,
    as_text,
    check_words,
    is_override,
    keys_of,
    one_text,
    refuse,
    unreadable,
)
from rnnbench.console import Mistake

Configuration = dict[str, Any]
# What a wrong word or file raises; ValueError: of a choice that is no name.
FAILURES = (HydraException, OmegaConfBaseException, YAMLError, ValueError)
APART = ("task", "cell")  # sweeps cross these: their files, which lead to no others, are read once
OPEN = "cluster.options."  # whatever keys stand below it
# Hydra 1.3 must be told to behave as 1.3 does; 1.4 does so, and warns where it is told.
AS_1_3: dict[str, Any] = {"version_base": "1.3"} if hydra.__version__.startswith("1.3.") else {}


class Moment(dict[Any, str]):
    """What `${now:...}` gives, by its pattern: of the moment when the command began."""

    def __init__(self) -> None:
        super().__init__()
        self.began = datetime.now()

    def __missing__(self, pattern: Sequence[str]) -> str:
        return self.began.strftime(*pattern)


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
        self._is_group = cache(self._has_choices)
        self._composed: dict[tuple[str, ...], DictConfig] = {}  # by the choices of files
        self._resolved: dict[str, Any] = defaultdict(dict, {"now": Moment()})

    def jobs(self, arguments: Sequence[str], *, beside: bool = False) -> Iterator[tuple[str, ...]]:
        """Return the overrides of each job: every combination of the values on the axes.

        The axes are those of a sweep file; the command line's replace them, key by key.

        Several cells are results of one directory, where no name is given.

        Args:
            arguments: all words of the command, with its flags.
            beside: other cells stand beside these.

        Raises:
            Mistake: a word is wrong, as far as that can be told of it alone.
        """
        words = [word for word in arrange(arguments)[0] if is_override(word)]
        given = list(map(self._parse_word, words))
        for override in given:
            load_chosen(override.key_or_group, _values(override))
        files = [word for word, o in zip(words, given, strict=True) if self._chooses_file(o)]
        chosen = self._compose(files, return_hydra_config=True)
        check_words(arguments, self.known(chosen))
        axes = [f"{key}={value}" for key, value in (chosen.hydra.sweeper.params or {}).items()]
        with open_dict(chosen):
            del chosen["hydra"]
        self._composed[tuple(files)] = chosen
        choices: dict[str, list[str]] = {}
        for override in [*map(self._parse_word, axes), *given]:
            key = override.get_key_element()
            values = _values(override)
            load_chosen(key, values)
            choices[key] = [f"{self._mark(override, it)}{key}={it}" for it in values] or [key]
        beside = beside or len(choices.get("cell", ())) > 1
        if beside and not OmegaConf.select(chosen, "sweep.name"):
            choices.setdefault("++sweep.name", ["++sweep.name=${task.name}"])
        return itertools.product(*choices.values())

    def _parse_word(self, word: str) -> Override:
        """Return what a word overrides; it is checked by itself.

        Raises:
            Mistake: it cannot be read, has several values where one is meant, or chooses what is
                no name.
        """
        try:
            (override,) = self._parser.parse_overrides([as_text(word)])
        except HydraException as error:
            raise Mistake(unreadable(word)) from error
        key, given = override.key_or_group, word.partition("=")[2]
        if key in TEXTS and override.is_sweep_override():
            raise Mistake(one_text(word))
        if self._is_group(key) and not override.is_delete():
            if not override.value() or isinstance(override.value(), int | float):
                raise Mistake(not_a_choice(key, given, self._options(key)))
            if key in ADDED and (override.is_force_add() or not override.is_add()):
                raise Mistake(f"{key} is chosen with a plus: write +{key}={given}")
        return override

    def known(self, configuration: DictConfig | None = None) -> Known:
        """Return what a command may say, by a configuration's keys."""
        groups = GlobalHydra.instance().config_loader().list_groups("")
        own = [group for group in groups if group != "hydra"]
        configuration = self._compose([]) if configuration is None else configuration
        return Known(own, self._options, keys_of(configuration))

    def compose(self, overrides: Sequence[str]) -> Configuration:
        """Return a job's configuration, as plain values and without Hydra's part.

        Raises:
            HydraException, OmegaConfBaseException: it cannot be composed.
        """
        try:
            return self.plain(self.configure(overrides))
        except (HydraException, OmegaConfBaseException):
            return self.compose_alone(overrides)

    def configure(self, overrides: Sequence[str]) -> DictConfig:
        """Return a job's configuration, a new one, before its interpolations are resolved."""
        parsed = [self._parse(line) for line in overrides]
        chosen = [self._chooses_file(override) for override in parsed]
        values = [override for override, yes in zip(parsed, chosen, strict=True) if not yes]
        if all(map(self._is_value, values)):
            return _with_values(self._read(tuple(itertools.compress(overrides, chosen))), values)
        return self.configure_alone(overrides)

    def configure_alone(self, overrides: Sequence[str]) -> DictConfig:
        """Return what `configure` returns, composed by Hydra as a whole."""
        return self._compose(overrides)

    def options(self, group: str) -> list[str]:
        """Return the names of the files of a group."""
        return list(self._options(group))

    def compose_alone(self, overrides: Sequence[str]) -> Configuration:
        """Return what `compose` returns, composed by Hydra as a whole."""
        return self.plain(self.configure_alone(overrides))

    def _read(self, files: tuple[str, ...]) -> DictConfig:
        """Return what files give, composed once."""
        if files not in self._composed:
            self._composed[files] = self._compose_files(files)
        return self._composed[files]

    def _compose_files(self, files: tuple[str, ...]) -> DictConfig:
        """Compose what files give: a shipped task and a shipped cell are composed apart."""
        chosen = {self._parse(word).key_or_group: self._parse(word).value() for word in files}
        shipped = Path(configuration_directory())
        apart = [key for key in APART if (shipped / key / f"{chosen.get(key)}.yaml").is_file()]
        if len(apart) < len(APART) or len(chosen) < len(files):
            return self._compose(files)
        rest = tuple(word for word in files if self._parse(word).key_or_group not in apart)
        try:
            made = copy.deepcopy(self._read(rest))
            for key in apart:
                made[key] = self._read((*rest, f"{key}={chosen[key]}"))[key]
        except FAILURES:  # a sweep of one's own may be whole by these choices alone
            return self._compose(files)
        return made

    def _compose(self, overrides: Sequence[str], **options: bool) -> DictConfig:
        return hydra.compose("config", [*self._of_hydra, *overrides], **options)

    def plain(self, configuration: DictConfig) -> Configuration:
        """Return a configuration as nested dicts and lists."""
        OmegaConf.set_cache(configuration, self._resolved)
        values: Any = OmegaConf.to_container(configuration, resolve=True, throw_on_missing=True)
        return {str(key): value for key, value in values.items()}

    def _has_choices(self, key: str) -> bool:
        if key in GROUPS or "." in key:
            return key in GROUPS
        return bool(self._options(key, results_filter=None))

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
    if override.is_delete() and not override.value():
        return []
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    values = list(override.sweep_string_iterator())
    if not any(values):
        given = str(override.input_line).partition("=")[2]
        raise HydraException(f"{override.key_or_group} must have a value, got {given}")
    if override.key_or_group == "seeds":  # a number beside others is a seed, not how many
        seeds = [value for value in values if value.lstrip("-").isdecimal()]
        lists = [value for value in values if value not in seeds]
        values = [*([f"[{','.join(seeds)}]"] if seeds else []), *lists]
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
        words = [word for word in arguments if word not in of_hydra]
        with open_composer(of_hydra, flags) as composer:
            if not VERSION.isdisjoint(flags):
                print(f"rnnbench {__version__}")
                return []
            if not HELP.isdisjoint(flags):
                known = composer.known()
                choices = {group: known.choices(group) for group in known.groups}
                print(help_text(choices, known.keys, Path(configuration_directory())))
                return []
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
        with offering(), hydra.initialize_config_dir(configuration_directory(), **AS_1_3):
            yield Composer(with_search_path(list(of_hydra), flags))
    finally:
        GlobalHydra.instance().hydra, version.version_base = theirs


def _show(words: list[str]) -> None:
    """Let Hydra show what the flags ask for; its parser's usage message becomes one line."""
    main = hydra.main(config_path=configuration_directory(), config_name="config", **AS_1_3)
    complaints = io.StringIO()
    before, variables = sys.argv, dict(os.environ)
    try:
        sys.argv = [before[0], *words]
        os.environ["HYDRA_FULL_ERROR"] = "1"  # errors are raised, not printed
        with redirect_stderr(complaints):
            main(lambda configuration: None)()  # Hydra wants a job's function, and never calls it
    except SystemExit as leaving:
        if leaving.code:
            raise HydraException(complaints.getvalue().strip().splitlines()[-1]) from leaving
    finally:
        sys.argv = before
        os.environ.clear()
        os.environ.update(variables)
    print(complaints.getvalue(), end="", file=sys.stderr)
