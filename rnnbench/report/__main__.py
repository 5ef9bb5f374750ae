"""Write the report of stored results: `python -m rnnbench.report DIR [DIR ...]`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rnnbench.console import ExitCode, Parser, leave, mistakes
from rnnbench.report.write import write_report

parser = Parser("rnnbench.report", __doc__)
parser.add_argument(
    "paths",
    metavar="DIR",
    type=Path,
    nargs="+",
    help="a results directory; the report is written into report/ of the first one",
)


@parser.command
def main(given: Namespace) -> int:
    """Write a report and print where its page lies."""
    with mistakes(OSError):
        directory = write_report(given.paths)
    print(directory / "index.html")
    return ExitCode.DONE


if __name__ == "__main__":
    leave(main)
