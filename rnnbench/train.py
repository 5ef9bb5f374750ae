"""`python -m rnnbench.train PLAN DIR`: train a plan file's sweep where only torch is installed.

The file is what `python -m rnnbench ... dry_run=true plan=PLAN.json` wrote elsewhere; torch, numpy
and safetensors are all that is needed. Records, weights, tuning and resuming are those of
`python -m rnnbench`; the report and W&B follow where the rest is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rnnbench.console import Parser, leave, printable, workers

PROGRAM = "rnnbench.train"
CANNOT_RUN = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; the exit code is that of `rnnbench.launcher.launch`."""
    given = _parser().parse_args(arguments)
    from rnnbench.engine import check_engine
    from rnnbench.launcher import launch
    from rnnbench.launcher.plan_file import read_plan
    from rnnbench.training.machine import choose_device

    try:
        sweep = read_plan(given.plan, given.results, given.workers)
        for condition, _ in sweep.jobs:
            device = choose_device(condition.device)
            check_engine(condition.engine, condition.build_cell(), device)
    except (OSError, ValueError) as error:
        print(printable(f"{PROGRAM}: error: {given.plan}: {error}"), file=sys.stderr)
        return CANNOT_RUN
    return launch([sweep])


def _parser() -> Parser:
    first, _, rest = (__doc__ or "").partition("\n\n")
    parser = Parser(prog=f"python -m {PROGRAM}", description=first, epilog=rest)
    parser.add_argument("plan", metavar="PLAN", type=Path, help="the plan file")
    parser.add_argument("results", metavar="DIR", type=Path, help="where the results go")
    parser.add_argument(
        "--workers", type=workers, default=0, help="processes: auto, one per core, or a number"
    )
    return parser


if __name__ == "__main__":
    leave(main)
