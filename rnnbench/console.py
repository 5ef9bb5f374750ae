"""Errors in one line, whatever their authors made of them."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import NoReturn


class ExitCode(IntEnum):
    """What a command tells the shell about its end; from 130 on as shells tell of signals."""

    DONE = 0
    NOT_ALL = 1  # something failed, is left to do or is not the same
    CANNOT_RUN = 2  # the command or its input is wrong; nothing was started
    INTERRUPTED = 130  # Ctrl-C
    READER_LEFT = 141  # `head` or a pager closed the pipe
    TERMINATED = 143


def leave(main: Callable[[], int]) -> NoReturn:
    """End the program with a command's exit code; without a word if its reader has left.

    That is what `head` and a pager do.
    """
    try:
        try:
            code = main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes again
        code = ExitCode.READER_LEFT
    sys.exit(code)


def warn(text: str) -> None:
    """Say in one line on stderr what the user may want to know.

    All warnings come through here: what they name may be a file that somebody else has named.
    """
    say(f"warning: {text}")


def say(line: str) -> None:
    """Say a line on stderr, as it can be shown, under the suite's name."""
    print(printable(f"rnnbench: {line}"), file=sys.stderr)


def describe(error: BaseException) -> str:
    """Return an error in one line: its class, its message, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {message_of(error)}{place}"


def message_of(error: BaseException) -> str:
    """Return an error's message in one line; its class where it has none.

    A user's own class of errors may fail at its message.
    """
    try:
        return printable(" ".join(str(error).split())) or type(error).__name__
    except Exception as second:
        return f"(its message raises {type(second).__name__})"


def printable(text: str) -> str:
    """Return a text without what a terminal would obey or could not show: escapes instead."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it: `12 s`, `3 min`, `2.5 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line, and takes a module's docstring as description."""

    def __init__(self, *, prog: str, description: str | None, epilog: str | None = None) -> None:
        """Take the program's name and texts; a docstring's "`python -m ...`: " is left out."""
        words = (description or "").split("`: ", 1)[-1]
        super().__init__(prog=prog, description=words[:1].upper() + words[1:], epilog=epilog)

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.CANNOT_RUN, f"{self.prog}: error: {printable(message)}\n")


def at_least(least: int) -> Callable[[str], int]:
    """Return what reads a whole number of at least so much."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            rule = f"a whole number of at least {least}"
            raise argparse.ArgumentTypeError(f"must be {rule}, got {text}")
        return int(text)

    return read


whole_number = at_least(1)


def whole_numbers(text: str) -> list[int]:
    """Return different whole numbers of at least 1, from a list with commas, in order of size."""
    return sorted({whole_number(part) for part in text.split(",")})


def words(text: str) -> list[str]:
    """Return the words of a list with commas."""
    return text.split(",")


def workers(text: str) -> int:
    """Turn auto into 0, which stands for one process per core."""
    return 0 if text == "auto" else whole_number(text)
