"""One fault, put to one sweep in a directory of its own: what was done, and what was seen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults import shim
from tests.faults.bench import Bench
from tests.faults.command import Command, Ended
from tests.faults.shim import Point
from tests.faults.sweep import OUTPUT, SWEEP, Mark, furnish, marks

SETTINGS = {"workers": "1", "tracker": "none"}


class Missed(Exception):
    """The fault did not come about, so that nothing was shown."""


@dataclass
class Trial:
    """What a kind of fault does its work with.

    Attributes:
        directory: where the sweep is run; its output lies in `output_dir`.
        draw: every choice is drawn from it.
        cold: its runs are new Pythons.
        bench: undisturbed sweeps.
        engine: the sweep's.
        draws: its runs draw the report, also where they are not cold.
        settings: other keys of the command than those of `SETTINGS`.
        ended: every run so far.
        known: finished records, and how they were when they were first seen.
        lost: finished records that were written again, or are gone.
        wrong: what was seen that must not be.
        damaged: the kind has left files that are not as they were written.
        spoiled: ids of runs that the user's own cell spoiled for good: their numbers differ.
        wants: what the sweep that is run again must say: a pattern.
        leaving: what is to be put away in the end.
    """

    directory: Path
    draw: Random
    cold: bool
    bench: Bench
    engine: str = "reference"
    draws: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    known: dict[str, Mark] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    damaged: bool = False
    spoiled: set[str] = field(default_factory=set)
    wants: str | None = None
    leaving: ExitStack = field(default_factory=ExitStack)

    @property
    def output_dir(self) -> Path:
        return self.directory / OUTPUT

    def furnish(self) -> None:
        """Make the directory; it goes when the trial is left, and so does what still runs."""
        furnish(self.directory)
        self.leaving.callback(shutil.rmtree, self.directory)

    def start(
        self,
        *,
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
        file_size: int | None = None,
    ) -> Command:
        """Start the sweep's command; arguments as in `Command`."""
        settings = {**SETTINGS, "engine": self.engine, "output_dir": self.output_dir}
        words = [*SWEEP, *(f"{key}={value}" for key, value in (settings | self.settings).items())]
        surroundings = {"RNNBENCH_CACHE": str(self.directory / "cache")}
        if self.engine == "auto":
            surroundings |= {"PATH": "", "CXX": ""}
        command = Command(
            words,
            self.directory,
            name or f"run{len(self.ended)}",
            environment=surroundings | dict(environment or {}),
            cold=self.cold,
            draws=self.draws,
            file_size=file_size,
        )
        self.leaving.callback(command.end)
        return command

    def run(
        self, *, environment: Mapping[str, str] | None = None, file_size: int | None = None
    ) -> Ended:
        """Run the sweep's command to its end, whatever that is."""
        return self.note(self.start(environment=environment, file_size=file_size).wait())

    def note(self, ended: Ended) -> Ended:
        """Keep what came of a run, and look whether all that was finished is as it was."""
        self.ended.append(ended)
        self.look()
        return ended

    def look(self) -> None:
        """Note which finished records are not as they were, and which are new."""
        now = marks(self.output_dir)
        for run, mark in self.known.items():
            if now.get(run) != mark:
                self.lost.append(f"{run} was finished, and was trained again")
        self.known = now

    def damage(self, path: Path, content: bytes) -> None:
        """Write a file anew; a finished run that it belongs to must be trained again."""
        path.write_bytes(content)
        self.damaged = True
        self.known.pop(path.stem, None)

    def run_with(self, point: Point, **how: object) -> Ended:
        """Run the sweep's command with a call of it going wrong, see `shim.c`.

        Raises:
            Missed: the call did not come.
        """
        count = self.directory / f"count{len(self.ended)}"
        ended = self.run(environment=shim.fault(point, self.output_dir, count, how))
        if not count.exists() or count.stat().st_size < point.nth:
            raise Missed(f"{point} did not come")
        return ended

    def point(self, choices: Sequence[tuple[str, str]]) -> Point:
        """Draw a call, and which of them, that an undisturbed sweep comes by."""
        calls, place = self.draw.choice(choices)
        most = self.bench.census[self.engine].count(calls, place)
        if not most:
            raise Missed(f"no {calls} on {place} comes in a sweep")
        self.draws = self.draws or place in "report/"  # or anywhere
        return Point(calls, place, self.draw.randint(1, most))

    def take_half_way(self) -> None:
        """Begin with what a stopped sweep left: two conditions, and a third at a checkpoint."""
        shutil.copytree(self.bench.half_way[self.engine], self.directory, dirs_exist_ok=True)
        self.look()

    def expect(self, ended: Ended, pattern: str) -> None:
        """Note as wrong where a run does not say what is expected, in one line."""
        if not re.search(pattern, ended.err):
            self.wrong.append(f"nothing was said like {pattern!r}, but {ended.err[-400:]!r}")
