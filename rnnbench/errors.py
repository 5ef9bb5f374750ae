"""Errors in one line, whatever their authors made of them."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

READER_LEFT = 141  # as a shell tells of SIGPIPE


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
        code = READER_LEFT
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
