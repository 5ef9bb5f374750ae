"""`python -m rnnbench.bench`: engines against torch.nn, in one run."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnbench.bench.measure import COLUMNS, measure
from rnnbench.bench.problem import CELLS, SHAPES, Shape, flops

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table; a file that cannot be written is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m rnnbench.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternations, of which medians")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=list(CELLS))
    parser.add_argument("--shapes", nargs="+", type=_shape, default=list(SHAPES), metavar="H,B,T,R")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    given = parser.parse_args(arguments)
    rows = []
    print(_line("shape", "cell", *(f"{column}" for column in COLUMNS), "x stock", "x + mallopt"))
    for shape in given.shapes:
        for cell in given.cells:
            found = measure(
                cell, shape, rounds=given.rounds, processes=given.processes, device="cpu"
            )
            rows.append(_row(cell, shape, found))
            print(_format(rows[-1]), flush=True)
    print(f"milliseconds of a run's training step, {given.processes} processes of one thread each")
    try:
        if given.json is not None:
            given.json.write_text(json.dumps(rows, indent=1))
    except OSError as error:
        print(f"rnnbench.bench: error: {error}", file=sys.stderr)
        return 2
    return 0


def _shape(text: str) -> Shape:
    return Shape(*(int(part) for part in text.split(",")))


def _row(cell: str, shape: Shape, found: dict[str, dict[str, float]]) -> Row:
    seconds = {column: values["seconds"] for column, values in found.items()}
    stock = min(seconds["torch.nn, 1 thread"], seconds["torch.nn, 2 threads"])
    return {
        "shape": str(shape),
        "cell": cell,
        "seconds": seconds,
        "memory_mib": {column: values["memory"] for column, values in found.items()},
        "gflops": flops(cell, shape) / shape.replicas / seconds["compiled"] / 1e9,
        "times_stock": stock / seconds["compiled"],
        "times_mallopt": seconds["torch.nn + mallopt"] / seconds["compiled"],
    }


def _format(row: Row) -> str:
    times = (f"{1e3 * row['seconds'][column]:.2f}" for column in COLUMNS)
    ratios = (f"{row[name]:.1f}" for name in ("times_stock", "times_mallopt"))
    return _line(row["shape"], row["cell"], *times, *ratios)


def _line(shape: str, cell: str, *columns: str) -> str:
    return f"{shape:<16}{cell:<6}" + "".join(f"{column:>21}" for column in columns)


if __name__ == "__main__":
    sys.exit(main())
