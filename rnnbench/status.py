"""`python -m rnnbench.status DIR`: how a sweep stands, also while others run it.

Exit code: 0 if all is done, 1 if not, 2 if there is nothing at DIR.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from rnnbench.console import ExitCode, Mistake, Parser, count_are, mistakes, printable, run_and_exit
from rnnbench.store.files import TUNING
from rnnbench.store.standing import Running, SweepStatus, read_sweep_status

KINDS = ("solved", "unsolved", "diverged", "failed", "left")
TUNING_KINDS = ("solved", "unsolved", "diverged", "dropped", "failed", "left")
parser = Parser("rnnbench.status", __doc__)
parser.add_argument("directory", type=Path, metavar="DIR", help="output_dir of a sweep")


@parser.command
def main(given: Namespace) -> int:
    """Print how the sweep of a directory stands."""
    tuning = given.directory / TUNING
    with mistakes(OSError):
        standing = read_sweep_status(given.directory)
        before = read_sweep_status(tuning) if tuning.is_dir() else None
    if not standing.tally.counts and not (before and before.tally.counts):
        raise Mistake(f"no results at {given.directory}")
    if before is not None and not before.tally.complete:
        print(f"tuning: {describe(before, TUNING_KINDS)}\n")
    print(describe(standing, KINDS))
    return ExitCode.DONE if standing.tally.complete else ExitCode.NOT_ALL


def describe(standing: SweepStatus, kinds: Sequence[str]) -> str:
    """Return a table of runs by task and cell, and below it who is at what and what failed."""
    done, total = standing.conditions
    lines = [f"{done} of {count_are(total, 'condition')} finished"]
    if standing.tally.counts:
        lines.append(standing.tally.table(kinds))
    lines += map(_running_line, standing.running)
    lines += standing.tally.failure_lines()
    lines += standing.codes
    return "\n".join(map(printable, "\n".join(lines).split("\n")))


def _running_line(running: Running) -> str:
    parts = [f"running: {running.name}"]
    if running.news:
        parts.append("step {step} of {steps}".format(**running.news))
        if running.news["accuracy"] is not None:
            parts.append("accuracy {accuracy:.2f}".format(**running.news))
    parts.append(running.holder.whereabouts)
    parts.append("killed" if running.holder.dead else f"heard {running.silent:.0f} s ago")
    return ", ".join(parts)


if __name__ == "__main__":
    run_and_exit(main)
