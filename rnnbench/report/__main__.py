"""`python -m rnnbench.report DIR [DIR ...]`: write the report of stored results."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rnnbench.console import ExitCode, Parser, mistakes, run_and_exit
from rnnbench.report.write import write_report

OF_PATHS = "a results directory; the report is written into report/ of the first one"
parser = Parser("rnnbench.report", __doc__)
parser.add_argument("paths", metavar="DIR", type=Path, nargs="+", help=OF_PATHS)


@parser.command
def main(given: Namespace) -> int:
    """Write a report and print where its page lies."""
    with mistakes(OSError):
        directory = write_report(given.paths)
    print(directory / "index.html")
    return ExitCode.DONE


if __name__ == "__main__":
    run_and_exit(main)
