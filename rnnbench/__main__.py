"""`python -m rnnbench`: train sweeps; `--help` lists what there is."""

from __future__ import annotations

from typing import NoReturn

from rnnbench.cli import main
from rnnbench.console import run_and_exit


def start() -> NoReturn:
    """Run the main command as the console script `rnnbench` does."""
    run_and_exit(main)


if __name__ == "__main__":
    start()
