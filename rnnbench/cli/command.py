"""Run what a command asks for: compose its jobs, check them and launch them."""

from __future__ import annotations

import gc
import importlib
import re
import shlex
import sys
from collections.abc import Sequence

from rnnbench.cli.compose import compose
from rnnbench.cli.help import find_commands
from rnnbench.console import ExitCode, Mistake, leave_if_repeated, say
from rnnbench.experiment.class_path import find_own


def run_command(argv: Sequence[str] | None = None) -> int:
    """Compose and check all jobs, then launch them; return the exit code."""
    leave_if_repeated()
    arguments = list(sys.argv[1:] if argv is None else argv)
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000)  # what composing makes stays: looking for garbage is in vain
    find_own()
    name, *words = arguments or ["--help"]
    if name == "help":
        name, words = words[0] if words else "--help", ["--help"]
    if name.isidentifier() and name in find_commands():
        return _run_other(name, words)
    try:
        configurations = compose([name, *words])
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


def _run_other(name: str, words: Sequence[str]) -> int:
    """Run another command, as in `rnnbench report DIR`; return its exit code."""
    if name == "train" and words and re.match(r"[\w.+]+=(?!.*\.json$)", words[0]):
        say(f"error: train takes a plan file; for settings leave it out: rnnbench {words[0]} ...")
        return ExitCode.CANNOT_RUN
    module = importlib.import_module(find_commands()[name].module)
    code: int = module.main(words)
    return code
