"""`python -m rnnbench.verify RESULTS`: some stored runs trained again and compared to the bit.

Exit code: 0 if all are the same, 1 if not, 2 if none can be compared here.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rnnbench.console import (
    ExitCode,
    Parser,
    at_least,
    count_are,
    mistakes,
    run_and_exit,
    say,
    whole_number,
)

parser = Parser("rnnbench.verify", __doc__)
add = parser.add_argument
add("results", metavar="RESULTS", type=Path, help="a results directory, or its records.jsonl (.gz)")
add("--sample", type=whole_number, default=5, help="runs to train (default: 5)")
add("--seed", type=at_least(0), default=0, help="that chooses them (default: 0)")
parser.add_workers()


@parser.command
def main(given: Namespace) -> int:
    """Train a sample of the stored runs again and compare."""
    from rnnbench.launcher.tabulate import do_jobs
    from rnnbench.verify.rerun import make_plan, rerun

    with mistakes(OSError, ValueError):
        jobs, lines = make_plan(given.results, given.sample, given.seed)
    for line in lines:
        say(line, parser.program)
    same: list[int] = []

    def take(index: int, difference: str) -> str:
        if not difference:
            same.append(index)
        return f": {difference or 'the same'}"

    code = do_jobs(parser.program, rerun, jobs, take, given.workers)
    print(f"{len(same)} of {count_are(len(jobs), 'run')} the same to the last bit")
    return code or (ExitCode.DONE if len(same) == len(jobs) else ExitCode.NOT_ALL)


if __name__ == "__main__":
    run_and_exit(main)
