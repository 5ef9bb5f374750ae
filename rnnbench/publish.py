"""`python -m rnnbench.publish SOURCE DESTINATION`: a sweep as a few small files to commit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rnnbench.console import Parser, leave, message_of
from rnnbench.report import draw_report
from rnnbench.store.diagnoses import consolidate_diagnoses
from rnnbench.store.files import write_atomically
from rnnbench.store.records import consolidate
from rnnbench.store.tables import GUESSES, TRANSFER

MEASUREMENTS = (TRANSFER, GUESSES)
TABLES = ("summary.csv", "by_gap.csv", "horizons.tex", "report.md")


def publish(source: Path, destination: Path) -> int:
    """Write a sweep's records as one `records.jsonl`, with its figures and tables beside it.

    What was measured of its networks later comes along; diagnoses as one `diagnosis.jsonl`. Every
    file is made of what was read as records, diagnoses and rows; none is copied as it is.

    Returns:
        How many records were written.

    Raises:
        FileNotFoundError: there are no results at the source.
    """
    report = draw_report([source])
    count = consolidate([source], destination)
    consolidate_diagnoses(source, destination)
    for name, content in report.items():
        if name in TABLES or name.endswith(".png"):
            write_atomically(destination / name, content)
    for file in MEASUREMENTS:
        file.copy(source, destination)
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; nothing to publish is one line and exit code 2."""
    parser = Parser(prog="python -m rnnbench.publish", description=__doc__)
    parser.add_argument("source", type=Path, help="results directory of a sweep")
    parser.add_argument("destination", type=Path, help="directory for the published files")
    given = parser.parse_args(arguments)
    try:
        count = publish(given.source, given.destination)
    except OSError as error:
        print(f"rnnbench.publish: error: {message_of(error)}", file=sys.stderr)
        return 2
    print(f"{count} runs: {given.destination}")
    return 0


if __name__ == "__main__":
    leave(main)
