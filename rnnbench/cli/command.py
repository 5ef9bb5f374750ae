"""Run what a command asks for: compose its jobs, check them and launch them."""

from __future__ import annotations

import gc
import shlex
import sys
from collections.abc import Sequence

from rnnbench.cli.compose import compose
from rnnbench.console import ExitCode, Mistake, leave_if_repeated, say
from rnnbench.experiment.class_path import find_own


def run_command(argv: Sequence[str] | None = None) -> int:
    """Compose and check all jobs, then launch them; return the exit code."""
    leave_if_repeated()
    arguments = list(sys.argv[1:] if argv is None else argv)
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000)  # what composing makes stays: looking for garbage is in vain
    find_own()
    try:
        configurations = compose(arguments or ["--help"])
        if not configurations:
            return ExitCode.DONE
        from rnnbench.cli.sweeps import make_sweeps  # not for help and completion: it takes torch

        sweeps = make_sweeps(configurations, shlex.join(["python", "-m", "rnnbench", *arguments]))
    except Mistake as mistake:
        say(f"error: {mistake}")
        return ExitCode.CANNOT_RUN
    except KeyboardInterrupt:
        say("stopped")
        return ExitCode.INTERRUPTED
    finally:
        gc.set_threshold(*thresholds)
    from rnnbench.launcher import launch

    return launch(sweeps)
