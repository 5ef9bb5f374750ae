"""`python -m rnnbench.guess RESULTS_DIR`: the best of many random networks, as a baseline."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from pathlib import Path

from rnnbench.console import Parser, mistakes, run_and_exit, say, whole_number, words
from rnnbench.store.files import check_links

MOST_GUESSES = 2**20  # as many as there are streams for them


def _guesses(text: str) -> int:
    number = whole_number(text)
    if number > MOST_GUESSES:
        raise ArgumentTypeError(f"must be at most {MOST_GUESSES}, got {text}")
    return number


OF_GUESSES = "random networks per task, gap and cell (default 1000)"
parser = Parser("rnnbench.guess", __doc__)
parser.add_argument("results", metavar="RESULTS_DIR", type=Path, help="a results directory")
parser.add_argument("--guesses", type=_guesses, default=1000, help=OF_GUESSES)
parser.add_argument("--task", type=words, help="as in copy,recall; default: all")
parser.add_argument("--cell", type=words, help="as in lstm,gru; default: all")
parser.add_workers()


@parser.command
def main(given: Namespace) -> int:
    """Guess for every task, gap and cell that has no guesses yet."""
    from rnnbench.guess.search import make_plan, search
    from rnnbench.launcher.tabulate import tabulate
    from rnnbench.store.tables import GUESSES

    with mistakes(OSError, ValueError):
        check_links(given.results)
        jobs, lines = make_plan(given.results, given.guesses, given.task, given.cell)
    for line in lines:
        say(line, parser.program)
    return tabulate(parser.program, search, jobs, GUESSES, given.results, given.workers)


if __name__ == "__main__":
    run_and_exit(main)
