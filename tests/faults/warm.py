"""Warm processes: forked from one that has torch and all else imported, instead of started anew.

What runs in them is the same command line, the same launcher and the same workers; they spare the
seconds of importing. A worker closes what it inherits, as a spawned one never has it. The report,
which takes longer than the sweep, is drawn where a fault is put to it. Some faults of every kind
are put to cold processes, which spare nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import resource_tracker
from multiprocessing.context import ForkContext, ForkProcess
from typing import Any

STANDARD = {0, 1, 2}
MODULES = (
    "rnnbench.cli.command",
    "rnnbench.cli.sweeps",
    "rnnbench.training.recording",
    "rnnbench.report.write",
)
MODULES += ("matplotlib.pyplot", "seaborn", "tests.faults.brisk")


def import_all() -> None:
    """Import what a launcher and its workers need, before anything is forked."""
    for name in MODULES:
        import_module(name)
    import torch

    torch.set_num_threads(1)
    resource_tracker.ensure_running()


class WarmProcess(ForkProcess):
    """A forked process with the open files of a spawned one."""

    def _bootstrap(self, parent_sentinel: int) -> int:
        connection, *_ = self._args
        _close_all_but(STANDARD | {connection.fileno(), parent_sentinel})
        return super()._bootstrap(parent_sentinel=parent_sentinel)


class WarmContext(ForkContext):
    """Stands for multiprocessing's spawn context."""

    Process = WarmProcess


def run(words: Sequence[str], *, draws: bool) -> int:
    """Run the command in this process; return its exit code, as a new Python's would be.

    Args:
        words: of the command line.
        draws: the report.
    """
    multiprocessing.get_context = lambda method=None: WarmContext()  # type: ignore[assignment]
    from rnnbench.cli.command import run_command
    from rnnbench.launcher import closing

    if not draws:
        closing.draw = lambda remaining, tracker: None

    try:
        code: Any = run_command(words)
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code or 0


def _close_all_but(kept: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            with suppress(OSError):
                os.close(int(name))
