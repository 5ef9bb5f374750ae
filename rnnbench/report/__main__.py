"""Write the report of stored results: `python -m rnnbench.report DIR [DIR ...]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rnnbench.console import Parser, leave, message_of
from rnnbench.report.write import write_report


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a report and print where its page lies; return the exit code."""
    parser = Parser(prog="python -m rnnbench.report", description=__doc__)
    parser.add_argument(
        "paths",
        metavar="DIR",
        type=Path,
        nargs="+",
        help="a results directory; the report is written into report/ of the first one",
    )
    paths = parser.parse_args(arguments).paths
    try:
        directory = write_report(paths)
    except OSError as error:
        print(f"rnnbench.report: error: {message_of(error)}", file=sys.stderr)
        return 2
    print(directory / "index.html")
    return 0


if __name__ == "__main__":
    leave(main)
