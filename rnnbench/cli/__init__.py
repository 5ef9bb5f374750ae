"""The command line: Hydra, validation, one-line errors."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; worker processes import this module, so the rest comes on demand."""
    from rnnbench.cli.main import run_command

    return run_command(argv)
