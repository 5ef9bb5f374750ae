"""Run a command of sweeps: compose its jobs, check them and launch them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from rnnbench.cli.compose import compose
from rnnbench.cli.message import COMPOSING, ConfigError, one_line
from rnnbench.console import ExitCode, say


def run_command(argv: Sequence[str] | None = None) -> int:
    """Compose and check all jobs, then launch them; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if os.getcwd() not in sys.path:  # the console script lacks it: own tasks and cells lie there
        sys.path.insert(0, os.getcwd())
    try:
        configurations = compose(arguments or ["--help"])
        if not configurations:
            return ExitCode.DONE
        from rnnbench.cli.sweeps import make_sweeps  # not for help and completion: it takes torch

        sweeps = make_sweeps(configurations, shlex.join(["python", "-m", "rnnbench", *arguments]))
    except (*COMPOSING, ConfigError) as error:
        say(f"error: {one_line(error)}")
        return ExitCode.CANNOT_RUN
    except KeyboardInterrupt:
        say("stopped")
        return ExitCode.INTERRUPTED
    from rnnbench.launcher import launch

    return launch(sweeps)
