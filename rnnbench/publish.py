"""`python -m rnnbench.publish SOURCE DESTINATION`: a sweep as a few small files to commit."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rnnbench.console import ExitCode, Parser, count, mistakes, run_and_exit
from rnnbench.report import draw_report
from rnnbench.store.croissant import CROISSANT, describe
from rnnbench.store.diagnoses import consolidate_diagnoses
from rnnbench.store.files import write_atomically
from rnnbench.store.records import CONSOLIDATED, consolidate, read_records
from rnnbench.store.tables import GUESSES, TRANSFER

KINDS = (".csv", ".tex", ".md", ".png")  # of the report's files, those that are published

parser = Parser("rnnbench.publish", __doc__)
parser.add_argument("source", type=Path, help="results directory of a sweep")
parser.add_argument("destination", type=Path, help="directory for the published files")
parser.add_argument(
    "--records", action="store_true", help="what was measured alone, the records packed: no report"
)


def publish(source: Path, destination: Path, *, records_alone: bool = False) -> int:
    """Write a sweep's figures, tables and records (one `records.jsonl`); return how many these are.

    What was measured of its networks later comes along; diagnoses as one `diagnosis.jsonl`. Every
    file is made of what was read as records, diagnoses and rows; none is copied as it is.

    A `croissant.json` describes the records to search engines and loaders of data sets.

    Args:
        records_alone: without figures and tables, and the records in a `records.jsonl.gz`.

    Raises:
        FileNotFoundError: there are no results at the source.
    """
    report = {} if records_alone else draw_report([source])
    number = consolidate([source], destination, packed=records_alone)
    records = destination / CONSOLIDATED[records_alone]
    write_atomically(destination / CROISSANT, describe(records, [*read_records(records)]).encode())
    consolidate_diagnoses(source, destination)
    for name, content in report.items():
        if name.endswith(KINDS):
            write_atomically(destination / name, content)
    for file in (TRANSFER, GUESSES):
        file.copy(source, destination)
    return number


@parser.command
def main(given: Namespace) -> int:
    """Publish a sweep and print how many runs it has."""
    with mistakes(OSError):
        number = publish(given.source, given.destination, records_alone=given.records)
    print(f"{count(number, 'run')}: {given.destination}")
    return ExitCode.DONE


if __name__ == "__main__":
    run_and_exit(main)
