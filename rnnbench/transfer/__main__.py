"""`python -m rnnbench.transfer RESULTS_DIR`: score trained networks at other gaps."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rnnbench.console import Parser, mistakes, run_and_exit, say, whole_numbers, words
from rnnbench.store.files import check_links

parser = Parser("rnnbench.transfer", __doc__)
add = parser.add_argument
add("results", metavar="RESULTS_DIR", type=Path, help="a results directory with its weights")
add("--gaps", type=whole_numbers, help="as in 11,20,40; default: all of the task in there")
add("--task", type=words, help="as in copy,recall; default: all")
add("--cell", type=words, help="as in lstm,gru; default: all")
parser.add_workers()


@parser.command
def main(given: Namespace) -> int:
    """Evaluate trained networks at the gaps that have no stored result yet."""
    from rnnbench.launcher.tabulate import tabulate
    from rnnbench.store.tables import TRANSFER
    from rnnbench.transfer.evaluate import evaluate_replicas, make_plan

    with mistakes(OSError, ValueError):
        check_links(given.results)
        jobs, lines = make_plan(given.results, given.gaps, given.task, given.cell)
    for line in lines:
        say(line, parser.program)
    return tabulate(parser.program, evaluate_replicas, jobs, TRANSFER, given.results, given.workers)


if __name__ == "__main__":
    run_and_exit(main)
