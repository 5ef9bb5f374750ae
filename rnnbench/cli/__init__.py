"""Read the main command: Hydra composes its jobs, pydantic checks their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from rnnbench.console import run_and_exit


def main(argv: Sequence[str] | None = None) -> int:
    """Run the main command. Imports wait until then: worker processes import this module."""
    from rnnbench.cli.command import run_command

    return run_command(argv)


def script() -> NoReturn:
    """Run the main command as a program, and end it with its exit code."""
    run_and_exit(main)
