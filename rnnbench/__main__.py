"""`python -m rnnbench`."""

from __future__ import annotations

import sys

from rnnbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
