"""SLURM's queue: the state of array tasks, and how they are told to leave.

It needs no accounting: the controller itself remembers for some minutes how a task ended.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping

# All others are ends. A task in one of these runs again, or has not run yet.
WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")
RUNNING = (
    *("RUNNING", "CONFIGURING", "COMPLETING", "STAGE_OUT", "SIGNALING"),
    *("RESIZING", "STOPPED", "SUSPENDED"),
)
COMMAND_SECONDS = 60


def read_states(name: str) -> Mapping[str, str] | None:
    """Return the states of the tasks of all jobs of a name, by task id.

    Returns:
        None where the controller does not answer, which tells nothing of its tasks.
    """
    words = ["squeue", "--noheader", "--array", "--states=all", f"--name={name}", "--format=%i %T"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    pairs = (line.split() for line in done.stdout.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def is_left(state: str | None) -> bool:
    """Return whether a task has still to run, to go on or to end."""
    return state in WAITING or state in RUNNING


def tell_to_leave(name: str) -> None:
    """Cancel the tasks that wait, and send SIGTERM to those that run."""
    _cancel("--state=PENDING", f"--name={name}")
    _cancel("--state=RUNNING", "--signal=TERM", f"--name={name}")


def cancel(tasks: Iterable[str]) -> None:
    """Cancel tasks, whatever they are at."""
    _cancel(*tasks)


def _cancel(*words: str) -> None:
    try:
        subprocess.run(["scancel", "--quiet", *words], capture_output=True, timeout=COMMAND_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return  # the controller is away; who waits for the tasks tries again
