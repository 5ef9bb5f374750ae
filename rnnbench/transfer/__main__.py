"""`python -m rnnbench.transfer RESULTS_DIR`: trained networks at other gaps of their task."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rnnbench.console import Parser, leave, message_of, printable, whole_numbers, words, workers
from rnnbench.store.files import check_links

PROGRAM = "rnnbench.transfer"


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate what is not evaluated yet; bad input is one line and exit code 2."""
    given = _parser().parse_args(arguments)
    from rnnbench.launcher.tabulate import tabulate
    from rnnbench.store.tables import TRANSFER
    from rnnbench.transfer.evaluate import evaluate_replicas, make_plan

    try:
        check_links(given.results)
        jobs, lines = make_plan(given.results, given.gaps, given.task, given.cell)
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: error: {message_of(error)}", file=sys.stderr)
        return 2
    for line in lines:
        print(printable(f"{PROGRAM}: {line}"), file=sys.stderr)
    return tabulate(PROGRAM, evaluate_replicas, jobs, TRANSFER, given.results, given.workers)


def _parser() -> Parser:
    parser = Parser(prog=f"python -m {PROGRAM}", description=__doc__)
    parser.add_argument(
        "results", metavar="RESULTS_DIR", type=Path, help="a results directory with its weights"
    )
    parser.add_argument(
        "--gaps", type=whole_numbers, help="as in 11,20,40; default: all of the task in there"
    )
    parser.add_argument("--task", type=words, help="as in copy,recall; default: all")
    parser.add_argument("--cell", type=words, help="as in lstm,gru; default: all")
    parser.add_argument(
        "--workers", type=workers, default=0, help="processes: auto, one per core, or a number"
    )
    return parser


if __name__ == "__main__":
    leave(main)
