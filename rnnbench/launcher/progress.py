"""Show on stderr how far a sweep is: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

from rnnbench.console import duration, printable, show

QUIET_SECONDS = 30.0


@dataclass
class Display:
    """Count what is done, and print a line when a condition ends and after a long silence.

    Attributes:
        names: of the conditions to train.
        costs: their expected lengths, in any one unit.
        skipped: replicas that were stored already.
        shares: of each condition, how much is done, from 0 to 1.
        before: likewise, how much was done when it first reported: by an earlier start.
        latest: what each running condition last reported, in words.
        accuracies: of the conditions that reported one: the mean over replicas so far.
        replicas: how many are done, skipped and failed.
    """

    stream: TextIO | None
    names: Sequence[str]
    costs: Sequence[float]
    skipped: int

    def __post_init__(self) -> None:
        self.shares = [0.0] * len(self.names)
        self.before: dict[int, float] = {}
        self.latest: dict[int, str] = {}
        self.accuracies: dict[int, float] = {}
        self.replicas = {"done": 0, "skipped": self.skipped, "failed": 0}
        self.ended = 0
        self.began = self.said = time.monotonic()

    @property
    def share(self) -> float:
        """Return how much of all the work is done, from 0 to 1."""
        work = sum(cost * share for cost, share in zip(self.costs, self.shares, strict=True))
        return work / sum(self.costs)

    @property
    def own_share(self) -> float:
        """Return how much of all the work was done since the display began, from 0 to 1."""
        own = ((i, share - self.before.get(i, 0.0)) for i, share in enumerate(self.shares))
        return sum(self.costs[i] * share for i, share in own) / sum(self.costs)

    def summary(self) -> str:
        """Return counts and the time left, judged by the time that the work so far took."""
        text = ", ".join(f"{count} {kind}" for kind, count in self.replicas.items())
        if self.own_share > 0 and self.share < 1:
            left = (time.monotonic() - self.began) * (1 - self.share) / self.own_share
            text += f", about {duration(left)} left"
        return text

    def start(self, index: int) -> None:
        """Note that a condition is being trained."""
        self.latest[index] = "starting"
        self.show(index)

    def move(self, index: int, progress: Mapping[str, Any], where: str = "") -> None:
        """Note how far a condition is, and where it is trained if another launcher does that."""
        self.shares[index] = progress["step"] / progress["steps"]
        self.before.setdefault(index, self.shares[index])
        self.latest[index] = f"step {progress['step']} of {progress['steps']}"
        if progress["accuracy"] is not None:
            self.accuracies[index] = progress["accuracy"]
            self.latest[index] += f", accuracy {progress['accuracy']:.2f}"
        if where:
            self.latest[index] += f" {printable(where)}"
        self.show(index)

    def leave(self, index: int) -> None:
        """Note that a condition is left to another launcher."""
        self.latest.pop(index, None)
        self.show(index)

    def end(self, index: int, done: int, failed: int, outcome: str) -> None:
        """Note that a condition has ended, with how many replicas done and failed."""
        self.latest.pop(index, None)
        self.shares[index] = 1.0
        self.ended += 1
        self.replicas["done"] += done
        self.replicas["failed"] += failed
        if index in self.accuracies and not failed:
            outcome += f", accuracy {self.accuracies[index]:.2f}"
        self.show_end(index, f"{self.names[index]}: {outcome}", failed > 0)

    def show(self, index: int) -> None:
        """Show what `latest` has of a condition; nothing where that is gone."""
        if self.latest and time.monotonic() - self.said >= QUIET_SECONDS:
            running = "; ".join(f"{self.names[i]}: {text}" for i, text in self.latest.items())
            self.say(f"{self.share:.0%}, {self.summary()} ({running})")

    def show_end(self, index: int, line: str, failed: bool) -> None:
        """Show how a condition ended."""
        self.say(f"[{self.ended}/{len(self.names)}] {line} ({self.summary()})")

    def say(self, line: str) -> None:
        """Show a line of its own."""
        show(line, self.stream)
        self.said = time.monotonic()

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the lines as they are."""


class Bars(Display):
    """Draw a bar for the sweep and one for each condition that is being trained."""

    def __post_init__(self) -> None:
        from rich import progress
        from rich.console import Console

        super().__post_init__()
        self.drawing = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=20),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[text]}", markup=False),
            console=Console(file=self.stream, highlight=False),
        )
        self.overall = self.drawing.add_task("all", total=1.0, text=self.summary())
        self.rows: dict[int, progress.TaskID] = {}

    def show(self, index: int) -> None:
        text = self.latest.get(index)
        if text is None and index in self.rows:  # a worker may die before it begins
            self.drawing.remove_task(self.rows.pop(index))
        elif text is not None:
            if index not in self.rows:
                self.rows[index] = self.drawing.add_task(self.names[index], total=1.0, text=text)
            self.drawing.update(self.rows[index], completed=self.shares[index], text=text)
        self.drawing.update(self.overall, completed=self.share, text=self.summary())

    def show_end(self, index: int, line: str, failed: bool) -> None:
        self.show(index)
        if failed:
            self.say(line)

    def say(self, line: str) -> None:
        self.drawing.console.print(printable(line), markup=False, soft_wrap=True)

    def __enter__(self) -> Display:
        self.drawing.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.drawing.stop()


def make_display(
    stream: TextIO | None, names: Sequence[str], costs: Sequence[float], skipped: int
) -> Display:
    """Return bars for a terminal that can move its cursor, and plain lines for anything else."""
    if (
        stream is not None
        and stream.isatty()
        and os.environ.get("TERM") not in (None, "", "dumb", "unknown")
    ):
        with suppress(ModuleNotFoundError):  # rich, which draws them, is not everywhere
            return Bars(stream, names, costs, skipped)
    return Display(stream, names, costs, skipped)
