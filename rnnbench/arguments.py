"""Arguments of the small commands, whose mistakes are one line and exit code 2."""

from __future__ import annotations

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def whole_number(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text}")
    return int(text)


def whole_numbers(text: str) -> list[int]:
    """Return different whole numbers of at least 1, from a list with commas, in order of size."""
    return sorted({whole_number(part) for part in text.split(",")})


def words(text: str) -> list[str]:
    """Return the words of a list with commas."""
    return text.split(",")


def workers(text: str) -> int:
    """Turn auto into 0, which stands for one process per core."""
    return 0 if text == "auto" else whole_number(text)
