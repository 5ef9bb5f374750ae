"""`python -m rnnbench`: train sweeps; `--help` lists what there is."""

from __future__ import annotations

from rnnbench.cli import main
from rnnbench.console import run_and_exit

if __name__ == "__main__":
    run_and_exit(main)
