"""The undisturbed sweeps that all others are compared with."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.faults.shim import Census, Point
from tests.faults.sweep import RUNS, Run, runs

if TYPE_CHECKING:
    from tests.faults.trial import Trial

HALF_WAY = 0.6  # of all checkpoints: in the third of four conditions


@dataclass
class Bench:
    """By engine: numbers of the undisturbed sweep, its calls, and a directory of a stopped one."""

    numbers: dict[str, dict[str, Run]] = field(default_factory=dict)
    census: dict[str, Census] = field(default_factory=dict)
    half_way: dict[str, Path] = field(default_factory=dict)

    def measure(self, engine: str, directory: Path) -> None:
        """Run a sweep that nothing disturbs, and one that is stopped half-way."""
        whole = self._trial(engine, directory / f"whole-{engine}")
        whole.draws = True
        file = whole.directory / "census"
        listing = {"FAULT_CENSUS": str(file), "FAULT_PLACE": str(whole.output_dir)}
        ended = whole.run(environment=listing)
        self.numbers[engine] = runs(whole.output_dir)
        if ended.code != 0 or len(self.numbers[engine]) != RUNS:
            raise RuntimeError(f"the undisturbed sweep must be complete, got {ended}")
        self.census[engine] = Census(file, whole.output_dir)
        stopped = self._trial(engine, directory / f"half-way-{engine}")
        nth = round(HALF_WAY * self.census[engine].count("rename", "checkpoints/"))
        point = Point("rename", "checkpoints/", nth)
        stopped.run_with(point, signal=int(signal.SIGTERM), target="parent")
        self.half_way[engine] = stopped.directory

    def _trial(self, engine: str, directory: Path) -> Trial:
        from tests.faults.trial import Trial

        trial = Trial(directory, Random(0), False, self, engine)
        trial.furnish()
        return trial
