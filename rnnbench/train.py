"""`python -m rnnbench.train PLAN DIR`: train a plan file's sweep where only torch is installed.

The file is what `python -m rnnbench ... dry_run=true plan=PLAN.json` wrote elsewhere; torch, numpy
and safetensors are all that is needed. Records, weights, tuning and resuming are those of
`python -m rnnbench`; the report and W&B follow where the rest is installed.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rnnbench.console import Mistake, Parser, run_and_exit

parser = Parser("rnnbench.train", __doc__)
parser.add_argument("plan", metavar="PLAN", type=Path, help="the plan file")
parser.add_argument("results", metavar="DIR", type=Path, help="where the results go")
parser.add_workers()


@parser.command
def main(given: Namespace) -> int:
    """Train the sweep of a plan file."""
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
        raise Mistake(f"{given.plan}: {error}") from error
    return launch([sweep])


if __name__ == "__main__":
    run_and_exit(main)
