"""`python -m tests.soak`: many smoke sweeps, with and without workers; nothing held may grow."""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.launcher.run import launch
from tests.in_process import launch_in_process
from tests.soak.holdings import LEAST, Holdings, growth, is_flat, take_stock

SMOKE = ["+sweep=smoke", "tracker=none"]
PROCESSES = 2


def soak(sweeps: int) -> list[Holdings]:
    """Run sweeps, every second one in worker processes, and take stock after each."""
    stocks = []
    with tempfile.TemporaryDirectory(prefix="rnnbench-soak-") as room:
        tempfile.tempdir = room
        for number in range(sweeps):
            start = time.monotonic()
            _run_sweep(Path(room, "results"), in_workers=number % 2 == 1)
            stocks.append(take_stock(Path(room)))
            words = ", ".join(f"{k} {v:,.6g}" for k, v in stocks[-1]._asdict().items())
            print(f"sweep {number + 1}: {words}, {time.monotonic() - start:.0f} s", flush=True)
    return stocks


def _run_sweep(directory: Path, *, in_workers: bool) -> None:
    """Run one smoke sweep into a new directory, which is removed again."""
    with tempfile.TemporaryDirectory() as place:
        words = [*SMOKE, f"output_dir={place}/{directory.name}", "workers=1"]
        (sweep,) = make_sweeps(compose(words))
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = launch([sweep]) if in_workers else launch_in_process(sweep)
        if code != 0:
            sys.exit(f"a sweep ended with exit code {code}:\n{said.getvalue()}")


def main() -> int:
    """Soak in as many processes as there are cores to fill; 0 if all stay flat, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--sweeps", type=int, default=50, help="in all (default: 50)")
    parser.add_argument("--alone", action="store_true", help="in this process")
    given = parser.parse_args()
    least = LEAST if given.alone else PROCESSES * LEAST
    if given.sweeps < least:
        parser.error(f"--sweeps must be at least {least}, got {given.sweeps}")
    if given.alone:
        grown = growth(soak(given.sweeps))
        print("grown: " + ", ".join(f"{k} {v:+.4g}" for k, v in grown._asdict().items()))
        return 0 if is_flat(grown) else 1
    words = [sys.executable, "-m", "tests.soak", "--alone", "--sweeps"]
    share = str(-(-given.sweeps // PROCESSES))
    processes = [subprocess.Popen([*words, share]) for _ in range(PROCESSES)]
    codes = [process.wait() for process in processes]
    flat = codes.count(0)
    print(f"soak: {int(share) * PROCESSES} sweeps, {flat} of {PROCESSES} processes flat")
    return 0 if flat == PROCESSES else 1


if __name__ == "__main__":
    sys.exit(main())
