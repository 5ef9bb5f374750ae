"""Hydra composes: from a command's words to one plain configuration per job."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig

from rnnbench.cli.composer import Configuration
from rnnbench.cli.help import register_help, wrap
from rnnbench.cli.message import COMPOSING
from rnnbench.cli.plugin import collected, register

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
