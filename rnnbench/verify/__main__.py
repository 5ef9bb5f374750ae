"""`python -m rnnbench.verify RESULTS`: some stored runs trained again and compared to the bit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rnnbench.console import Parser, at_least, leave, whole_number, workers

PROGRAM = "rnnbench.verify"
EXIT_CODES = "exit code: 0 if all are the same, 1 if not, 2 if none can be compared here"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train a sample of runs again; bad input is one line and exit code 2."""
    given = _parser().parse_args(arguments)
    from rnnbench.launcher.tabulate import do_jobs
    from rnnbench.verify.rerun import make_plan, rerun

    try:
        jobs, lines = make_plan(given.results, given.sample, given.seed)
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(f"{PROGRAM}: {line}", file=sys.stderr)
    same: list[int] = []

    def take(index: int, difference: str) -> str:
        if not difference:
            same.append(index)
        return f": {difference or 'the same'}"

    code = do_jobs(PROGRAM, rerun, jobs, take, given.workers)
    print(f"{len(same)} of {len(jobs)} runs are the same to the last bit")
    return code or int(len(same) < len(jobs))


def _parser() -> Parser:
    parser = Parser(prog=f"python -m {PROGRAM}", description=__doc__, epilog=EXIT_CODES)
    parser.add_argument(
        "results", metavar="RESULTS", type=Path, help="a results directory, or its records.jsonl"
    )
    parser.add_argument("--sample", type=whole_number, default=5, help="runs to train (default: 5)")
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="that chooses them (default: 0)"
    )
    parser.add_argument(
        "--workers", type=workers, default=0, help="processes: auto, one per core, or a number"
    )
    return parser


if __name__ == "__main__":
    leave(main)
