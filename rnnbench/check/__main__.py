"""`python -m rnnbench.check mymodule.MyCell`: whether a cell keeps what every cell must."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from rnnbench.arguments import Parser, whole_number
from rnnbench.cell import Cell
from rnnbench.check.outcome import FAILED, Outcome
from rnnbench.check.run import CHECKS, run_checks
from rnnbench.check.subject import Subject
from rnnbench.condition import find_class
from rnnbench.machine import prepare_process

EXIT_CODES = "exit code: 0 if no check fails, 1 if one does, 2 if there is no such cell"
WIDTHS = (max(map(len, CHECKS)), len("not applicable"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run all checks on one cell, a line each."""
    parser = Parser(prog="python -m rnnbench.check", description=__doc__, epilog=EXIT_CODES)
    parser.add_argument("cell", metavar="PATH", help="dotted path of a class: mymodule.MyCell")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        type=_argument,
        action="append",
        default=[],
        help="an argument of the cell's constructor: keep_bias=1.0",
    )
    parser.add_argument(
        "--hidden-size", type=whole_number, default=32, help="units, 32 unless told"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there, too")
    given = parser.parse_args(argv)
    try:
        subject = Subject(find_class(given.cell, Cell, "cell"), dict(given.set), given.hidden_size)
        if given.set:
            subject.build()
    except (ValueError, TypeError) as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        parser.error(" ".join(f"{error}{cause}".split()))
    prepare_process()
    outcomes = []
    for outcome in run_checks(subject):
        print(_line(outcome), flush=True)
        outcomes.append(outcome)
    if given.json:
        _write(given.json, given.cell, outcomes)
    return 1 if any(outcome.result == FAILED for outcome in outcomes) else 0


def _argument(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE, got {text}")
    return key, yaml.safe_load(value)


def _line(outcome: Outcome) -> str:
    return f"{outcome.check:<{WIDTHS[0]}}  {outcome.result:<{WIDTHS[1]}}  {outcome.text}"


def _write(path: Path, cell: str, outcomes: Sequence[Outcome]) -> None:
    found = {"cell": cell, "checks": [asdict(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
