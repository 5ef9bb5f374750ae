"""`python -m tests.faults`: put faults to small sweeps, and count what is lost or wrong."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tests.faults import shim

TABLE = Path("build/faults.json")
MEMORY = Path("/dev/shm")  # syncing is free there
# In every process of every sweep: one thread, and no word to W&B but to a stand-in.
SURROUNDINGS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    **{"WANDB_MODE": "offline", "WANDB_SILENT": "true", "MPLBACKEND": "agg"},
}
FEW = 5
NEWS_EVERY = 50  # faults
SPARE = 0.2  # of all faults, and a few: they make up for those that do not come about


def main(words: Sequence[str]) -> int:
    """Run; return 0 if nothing was lost or wrong, 1 if something was, 2 where it cannot run."""
    asked = _parse(words)
    if sys.platform != "linux":
        print(f"faults: error: they need Linux, got {sys.platform}", file=sys.stderr)
        return 2
    if "FAULTS_DIRECTORY" in os.environ:
        return run(asked, Path(os.environ["FAULTS_DIRECTORY"]))
    with tempfile.TemporaryDirectory(prefix="rnnbench-faults-", dir=_place()) as directory:
        try:
            library = str(shim.build(Path(directory)))
        except shim.NoCompiler as error:
            print(f"faults: error: {error}", file=sys.stderr)
            return 2
        here = {"LD_PRELOAD": library, "FAULTS_DIRECTORY": directory}
        command = [sys.executable, "-m", "tests.faults", *words]
        return subprocess.run(command, env={**os.environ, **SURROUNDINGS, **here}).returncode


def run(asked: argparse.Namespace, directory: Path) -> int:
    """Put the faults that were asked for; print and store what came of them."""
    from tests.faults import warm
    from tests.faults.bench import Bench
    from tests.faults.kinds import KINDS
    from tests.faults.schedule import schedule
    from tests.faults.slots import put_to_all
    from tests.faults.table import Outcome, Table

    unknown = [name for name in asked.only if name not in KINDS]
    if unknown:
        known = ", ".join(KINDS)
        print(f"faults: error: --only must be one of {known}, got {unknown[0]}", file=sys.stderr)
        return 2
    order = schedule(asked.seed, asked.only or list(KINDS))
    spare = FEW + round(SPARE * asked.count)
    faults = list(islice(order, asked.skip, asked.skip + asked.count + spare))
    engines = {fault.kind.engine for fault in faults[: asked.count]}
    warm.import_all()
    bench = Bench()
    for engine in sorted(engines):
        bench.measure(engine, directory)
    ready = (fault for fault in faults if fault.kind.engine in engines)
    outcomes: list[Outcome] = []
    for outcome in put_to_all(ready, asked.count, bench, directory, asked.jobs):
        outcomes.append(outcome)
        for line in outcome.lines(asked.seed):
            print(f"faults: {line}", file=sys.stderr)
        if len(outcomes) % NEWS_EVERY == 0:
            print(f"faults: {len(outcomes)} of {asked.count}", file=sys.stderr)
    table = Table(outcomes, asked.seed)
    table.write(asked.table)
    print(f"{table.text()}\ntable: {asked.table}\n{table.summary()}")
    return 0 if table.good and table.row()["injected"] == asked.count else 1


def _place() -> Path | None:
    """Return a file system in memory from which programs may be loaded, if there is one."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return None
    return None if os.statvfs(MEMORY).f_flag & os.ST_NOEXEC else MEMORY


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="faults that must come about")
    parser.add_argument("--seed", type=int, default=0, help="of the schedule")
    parser.add_argument("--only", action="append", default=[], help="a kind; may be repeated")
    parser.add_argument("--skip", type=int, default=0, help="the first of the schedule")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="sweeps at a time")
    parser.add_argument("--table", type=Path, default=TABLE, help="where the table is written")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
