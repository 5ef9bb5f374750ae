"""A report on very many runs: in a minute of one core and in 2 GiB of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Fabricate = Callable[..., Any]
DIFFERENT = 20  # outcomes of a condition; its seeds take turns in them
CONDITIONS = [
    (task, cell, gap)
    for task in ("copy", "adding", "recall")
    for cell in ("rnn", "lstm", "gru")
    for gap in range(10, 120, 5)  # so many that each has no more seeds than a sweep may have
]
# Of a core's time, which unlike a clock's does not grow when others work on the machine.
PROGRAM = """
import resource, sys
from pathlib import Path
from rnnbench.report import write_report
write_report([Path(sys.argv[1])])
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def lines(fabricate: Fabricate, seeds: int) -> Iterator[str]:
    """Yield records as a consolidated file holds them, histories included."""
    for condition, (task, cell, gap) in enumerate(CONDITIONS):
        config = {"trainer": {"steps": 3000, "clip_norm": 1.0}, "cell": {"name": cell}}
        for turn in range(DIFFERENT):
            record = fabricate(task, cell, gap, turn, config=config) | {"seed": "@", "run_id": "#"}
            head, seed, tail = json.dumps(record).replace('"@"', "@").partition("@")
            for number in range(turn, seeds, DIFFERENT):
                name = f"{condition:08x}{number:08x}"
                yield f"{head.replace('#', name)}{number}{tail}\n"


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("runs", [10_000, 200_000])
def test_very_many_runs_take_a_minute_and_two_gibibytes(
    fabricate: Fabricate, tmp_path: Path, runs: int
) -> None:
    seeds = runs // len(CONDITIONS) + 1
    with (tmp_path / "records.jsonl").open("w") as file:
        file.writelines(lines(fabricate, seeds))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, mebibytes = map(float, done.stdout.split())
    curves = pd.read_csv(tmp_path / "report" / "summary.csv")
    assert curves["runs"].sum() == len(CONDITIONS) * seeds >= runs
    assert seconds < 60, f"{seconds:.0f} s, {mebibytes:.0f} MiB"
    assert mebibytes < 2048, f"{seconds:.0f} s, {mebibytes:.0f} MiB"
