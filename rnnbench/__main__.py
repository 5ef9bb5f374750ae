"""`python -m rnnbench`: train sweeps; `--help` lists what there is."""

from __future__ import annotations

from rnnbench.cli import script

if __name__ == "__main__":
    script()
