"""`python -m rnnbench.report DIR [DIR ...]`: write the report of stored results.

With --only, --size, --format, --labels or --colors figures alone are drawn, each whole and a file
for each of its panels.
"""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnnbench.console import ExitCode, Parser, mistakes, run_and_exit, words
from rnnbench.plot.files import FORMATS
from rnnbench.report.redraw import Looks, write_figures
from rnnbench.report.study import ALL, Part, Refused
from rnnbench.report.write import place_of, write_report


def pairs(text: str) -> dict[str, str]:
    """Read names and what is given to each: `gru=GRU,lstm=LSTM`."""
    split = [part.partition("=") for part in text.split(",")]
    if not all(name and sign and value for name, sign, value in split):
        raise ArgumentTypeError(f"must be cell=..., with commas between several, got {text}")
    return {name: value for name, _, value in split}


LOOKS: Mapping[str, tuple[Callable[[str], Any], str, str]] = {
    "only": (words, "NAME,...", "figures, by their names in the report"),
    "size": (
        str,
        "SIZE",
        "column, text or slides: 3.3, 6.75, 10 inches wide; phone: a panel a row",
    ),
    "format": (words, "KIND,...", f"of {', '.join(FORMATS)}"),
    "labels": (pairs, "CELL=TEXT,...", "what is written for cells"),
    "colors": (pairs, "CELL=COLOR,...", "of cells, as matplotlib takes them"),
}
parser = Parser("rnnbench.report", __doc__)
parser.add_argument("paths", metavar="DIR", type=Path, nargs="+", help="a results directory")
parser.add_argument(
    "--out",
    metavar="DIR",
    type=Path,
    help="where the report goes; of a results directory, its report/, which is where that of a "
    "single one goes",
)
parser.add_argument("--tasks", metavar="TASK,...", type=words, default=[], help="these alone")
parser.add_argument(
    "--cells", metavar="CELL,...", type=words, default=[], help="these alone, in this order"
)
parser.add_argument(
    "--baseline",
    metavar="CELL",
    default=ALL.baseline,
    help=f"what each is compared with where there are many cells ({ALL.baseline})",
)
for name, (kind, form, told) in LOOKS.items():
    parser.add_argument(f"--{name}", metavar=form, type=kind, help=told)


@parser.command
def main(given: Namespace) -> int:
    """Write a report, or figures of it, and print where its page or they lie."""
    part = Part(tuple(given.tasks), tuple(given.cells), given.baseline)
    looks = {name: value for name in LOOKS if (value := getattr(given, name)) is not None}
    with mistakes(OSError, Refused):
        if looks:
            out = place_of(given.paths, given.out, is_whole=False)
            told = {"formats" if name == "format" else name: value for name, value in looks.items()}
            print(*write_figures(given.paths, out, part, Looks(**told)), sep="\n")
        else:
            print(write_report(given.paths, given.out, part) / "index.html")
    return ExitCode.DONE


if __name__ == "__main__":
    run_and_exit(main)
