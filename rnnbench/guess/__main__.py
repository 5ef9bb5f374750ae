"""`python -m rnnbench.guess RESULTS_DIR`: the best of many random networks, as a baseline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rnnbench.console import Parser, leave, message_of, printable, whole_number, words, workers
from rnnbench.store.files import check_links

PROGRAM = "rnnbench.guess"
MOST_GUESSES = 2**20  # as many as there are streams for them


def main(arguments: Sequence[str] | None = None) -> int:
    """Guess where that is not done yet; bad input is one line and exit code 2."""
    given = _parser().parse_args(arguments)
    from rnnbench.guess.search import make_plan, search
    from rnnbench.launcher.tabulate import tabulate
    from rnnbench.store.tables import GUESSES

    try:
        check_links(given.results)
        jobs, lines = make_plan(given.results, given.guesses, given.task, given.cell)
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: error: {message_of(error)}", file=sys.stderr)
        return 2
    for line in lines:
        print(printable(f"{PROGRAM}: {line}"), file=sys.stderr)
    return tabulate(PROGRAM, search, jobs, GUESSES, given.results, given.workers)


def _parser() -> Parser:
    parser = Parser(prog=f"python -m {PROGRAM}", description=__doc__)
    parser.add_argument("results", metavar="RESULTS_DIR", type=Path, help="a results directory")
    parser.add_argument(
        "--guesses",
        type=_guesses,
        default=1000,
        help="random networks per task, gap and cell (default 1000)",
    )
    parser.add_argument("--task", type=words, help="as in copy,recall; default: all")
    parser.add_argument("--cell", type=words, help="as in lstm,gru; default: all")
    parser.add_argument(
        "--workers", type=workers, default=0, help="processes: auto, one per core, or a number"
    )
    return parser


def _guesses(text: str) -> int:
    number = whole_number(text)
    if number > MOST_GUESSES:
        raise argparse.ArgumentTypeError(f"must be at most {MOST_GUESSES}, got {text}")
    return number


if __name__ == "__main__":
    leave(main)
