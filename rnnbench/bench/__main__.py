"""`python -m rnnbench.bench`: whole training steps on every engine, against torch.nn and JAX."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, Namespace
from pathlib import Path

from rnnbench.bench.measure import measure, measure_peak
from rnnbench.bench.problem import CELLS, SHAPES, Shape, columns, has_jax
from rnnbench.bench.table import draw, format_row, header, make_row
from rnnbench.console import ExitCode, Mistake, Parser, mistakes, run_and_exit, whole_number
from rnnbench.training.machine import choose_device, cores, describe_machine, visible_gpus

NOTES = """\
Milliseconds of one run's whole training step (data, forward, backward, clip, Adam): medians of
{rounds} alternations, {processes} processes of one thread each at once (nn 2 threads: one process).
times: how many times longer torch.nn takes as it comes (the better of its columns), with mallopt,
and JAX (the better); % of peak: of the fastest float32 product; MiB: beyond the imports, for
torch.nn's one run and for all replicas of the suite's stack."""


def _shape(text: str) -> Shape:
    parts = text.split(",")
    if len(parts) not in (3, 4) or not all(part.isdigit() and int(part) for part in parts):
        raise ArgumentTypeError(f"must be like 128,32,200 or 32,32,20,16, got {text}")
    if int(parts[2]) < 3:
        raise ArgumentTypeError(f"must have at least 3 time steps, got {text}")
    return Shape(*(int(part) for part in parts))


def _picture(text: str) -> Path:
    if Path(text).suffix not in (".png", ".svg"):
        raise ArgumentTypeError(f"must end in .png or .svg, got {text}")
    return Path(text)


ROUNDS = 5
OF_TABLES = ("rounds", "processes", "cells", "shapes")
OF_SHAPES = "hidden units, batch, time steps, and replicas (1 if left out)"
parser = Parser("rnnbench.bench", __doc__)
add = parser.add_argument
add("--rounds", type=whole_number, help=f"alternations (default {ROUNDS})")
add("--processes", type=whole_number, help="at once (default: one per core, or per GPU)")
add("--cells", nargs="+", choices=list(CELLS), help="default: all")
add("--shapes", nargs="+", type=_shape, metavar="H,B,T,R", help=OF_SHAPES)
add("--device", default="cpu", choices=["auto", "cpu", "cuda"], help="default: cpu")
add(
    "--verify", action="store_true", help="prove a GPU's engines, in 9 minutes, in place of a table"
)
add("--json", type=Path, metavar="FILE", help="write the figures here, too")
add("--plot", type=_picture, metavar="FILE", help="draw them: a png or svg")


@parser.command
def main(given: Namespace) -> int:
    """Measure and print a table."""
    if given.verify:
        _check_sizes_are_left(given)
    with mistakes(ValueError, OSError):
        device = choose_device(given.device)
        for path in filter(None, (given.json, given.plot)):
            path.open("a").close()  # to fail before anything is measured
    if given.verify:
        from rnnbench.bench.verification import verify

        return verify(device, given.json, given.plot)
    compared = columns(device)
    processes = given.processes or (len(visible_gpus()) if device == "cuda" else cores())
    if device == "cpu" and not has_jax():
        print("no JAX columns: pip install 'rnnbench[bench]' brings them", file=sys.stderr)
    peak = measure_peak(processes) if device == "cpu" else {}
    for name, rate in peak.items():
        print(f"fastest float32 product on a core, {name}: {rate:.0f} GFLOP/s")
    rows = []
    print(*header(compared), sep="\n", flush=True)
    rounds = given.rounds or ROUNDS
    for shape in given.shapes or SHAPES:
        for cell in given.cells or CELLS:
            found = measure(
                *(compared, cell, shape), rounds=rounds, processes=processes, device=device
            )
            best = max(peak.values(), default=None)
            rows.append(make_row(cell, shape, found, processes, best))
            print(format_row(rows[-1], compared), flush=True)
    print(NOTES.format(rounds=rounds, processes=processes))
    if given.json is not None:
        content = {"machine": describe_machine(), "peak_gflops": peak, "rows": rows}
        given.json.write_text(json.dumps(content, indent=1))
    if given.plot is not None:
        draw(rows, given.plot)
    return ExitCode.DONE


def _check_sizes_are_left(given: Namespace) -> None:
    """Check that nothing is asked of a verification that only a table can give.

    Raises:
        Mistake: something is.
    """
    unused = [f"--{name}" for name in OF_TABLES if getattr(given, name)]
    if unused:
        rule = "--verify must do without --" + ", --".join(OF_TABLES)
        raise Mistake(f"{rule}, got {', '.join(unused)}: it has sizes of its own")


if __name__ == "__main__":
    run_and_exit(main)
