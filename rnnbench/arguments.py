"""Arguments of the small commands, whose mistakes are one line and exit code 2."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from rnnbench.errors import printable


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line, and takes a module's docstring as description."""

    def __init__(self, *, prog: str, description: str | None, epilog: str | None = None) -> None:
        """Take the program's name and texts; a docstring's "`python -m ...`: " is left out."""
        words = (description or "").split("`: ", 1)[-1]
        super().__init__(prog=prog, description=words[:1].upper() + words[1:], epilog=epilog)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {printable(message)}\n")


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
