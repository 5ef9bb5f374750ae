"""From the words of a command to an exit code."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from rnnbench.cli.compose import compose
from rnnbench.cli.message import COMPOSING, ConfigError, one_line
from rnnbench.console import printable

BAD_INPUT = 2
INTERRUPTED = 130


def run_command(argv: Sequence[str] | None = None) -> int:
    """Compose, check everything, and launch; a mistake in the command is one line and code 2."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if os.getcwd() not in sys.path:  # one's own task or cell, from the console script too
        sys.path.insert(0, os.getcwd())
    try:
        configurations = compose(arguments or ["--help"])
        if not configurations:
            return 0
        from rnnbench.cli.sweeps import make_sweeps  # not for help and completion: it takes torch

        sweeps = make_sweeps(configurations, shlex.join(["python", "-m", "rnnbench", *arguments]))
    except (*COMPOSING, ConfigError) as error:
        print(f"rnnbench: error: {printable(one_line(error))}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("rnnbench: stopped", file=sys.stderr)
        return INTERRUPTED
    from rnnbench.launcher import launch

    return launch(sweeps)
