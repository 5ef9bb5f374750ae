"""`python -m rnnbench.check mymodule.MyCell`: whether a cell keeps what every cell must.

Exit code: 0 if no check fails, 1 if one does, 2 if there is no such cell.
"""

from __future__ import annotations

import json
import math
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnnbench.check import FAILED, NOT_APPLICABLE, CheckResult, Subject
from rnnbench.check.run import CHECKS, run_checks
from rnnbench.console import (
    ExitCode,
    Parser,
    describe,
    message_of,
    mistakes,
    run_and_exit,
    whole_number,
)
from rnnbench.experiment.class_path import find_class, find_own
from rnnbench.training.machine import prepare_process


def _setting(text: str) -> tuple[str, Any]:
    """Read a value as JSON where it is that, else as a word."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise ArgumentTypeError(f"must be like keep_bias=1.0, got {text}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


OF_SET = "an argument of its constructor: keep_bias=1.0; may be repeated"
parser = Parser("rnnbench.check", __doc__)
add = parser.add_argument
add("cell", metavar="CELL", help="dotted path of its class: mymodule.MyCell")
add("--set", metavar="KEY=VALUE", type=_setting, action="append", default=[], help=OF_SET)
add("--hidden-size", type=whole_number, default=32, help="units to check with (default 32)")
add("--json", type=Path, metavar="FILE", help="write the outcomes here, too")


@parser.command
def main(given: Namespace) -> int:
    """Check a cell and print a line for each check."""
    with mistakes(OSError, ValueError):
        subject = make_subject(given.cell, dict(given.set), given.hidden_size)
        if given.json is not None:
            given.json.open("a").close()  # to fail before anything is checked
    prepare_process()
    results = []
    for result in run_checks(subject):
        print(format_line(result), flush=True)
        results.append(result)
    failed = [result.check for result in results if result.result == FAILED]
    verdict = f"fails {', '.join(failed)}" if failed else "keeps all that applies to it"
    print(f"{given.cell}: {verdict}")
    if given.json is not None:
        given.json.write_text(json.dumps(_content(given, results), indent=1) + "\n")
    return ExitCode.NOT_ALL if failed else ExitCode.DONE


def make_subject(path: str, arguments: Mapping[str, Any], hidden_size: int) -> Subject:
    """Find and build the cell at a dotted path; modules in the working directory count too.

    Raises:
        ValueError: there is no cell, or it cannot be built with these arguments.
    """
    from rnnbench.cell import Cell

    find_own()
    try:
        subject = Subject(find_class(path, Cell, "cell"), arguments, hidden_size)
    except ValueError as error:
        cause = error.__cause__  # what the module raised when it was imported
        if cause is None:
            raise
        why = message_of(cause) if isinstance(cause, Exception) else describe(cause)
        raise ValueError(f"{error}: {why}") from error
    try:
        subject.build()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a user's constructor raises
        words = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        rule = f"be built with {words}" if words else "be built without arguments"
        raise ValueError(f"cell must {rule}, got {describe(error)}") from error
    return subject


def format_line(result: CheckResult) -> str:
    """Return a result as a line of the table."""
    width = max(map(len, CHECKS))
    return f"{result.check:<{width}}  {result.result:<{len(NOT_APPLICABLE)}}  {result.text}"


def _content(given: Namespace, results: Sequence[CheckResult]) -> dict[str, Any]:
    checks = [asdict(result) for result in results]
    for check in checks:  # JSON has no infinity
        if check["value"] is not None and not math.isfinite(check["value"]):
            check["value"] = None
    return {
        "cell": given.cell,
        "arguments": dict(given.set),
        "hidden_size": given.hidden_size,
        "passed": all(result.result != FAILED for result in results),
        "checks": checks,
    }


if __name__ == "__main__":
    run_and_exit(main)
