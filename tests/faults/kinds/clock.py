"""Clocks that are wrong, and files whose times are."""

from __future__ import annotations

import os
from signal import SIGKILL

from tests.faults.kind import kind
from tests.faults.kinds.signals import OF_WORKER
from tests.faults.trial import Trial

YEAR = 365 * 24 * 3600


@kind("the-clock-jumps")
def clock_jumps(trial: Trial) -> None:
    """Set the clock forward or back in the midst of a sweep."""
    offset = trial.draw.choice((-30 * YEAR, -3600, 3600, 30 * YEAR))
    readings = trial.draw.randrange(40)
    environment = {"FAULT_CLOCK": str(offset), "FAULT_READINGS": str(readings)}
    ended = trial.run(environment=environment)
    if ended.code != 0:
        trial.wrong.append(f"with a clock that jumps the sweep ends with {ended.code}")


@kind("times-of-files-are-wrong")
def times_are_wrong(trial: Trial) -> None:
    """Kill a sweep, and put all of its files into the past or the future."""
    trial.run_with(trial.point(OF_WORKER), signal=int(SIGKILL), target="group")
    shift = trial.draw.choice((-40 * YEAR, -60, 60, 10 * YEAR))
    for path in trial.output_dir.rglob("*"):
        time = path.stat().st_mtime + shift
        os.utime(path, (time, time))
