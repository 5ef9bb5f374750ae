"""How far a sweep is, on stderr: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rnnbench.console import duration, printable

QUIET_SECONDS = 30.0


class Display(ABC):
    """Counts what is done; a subclass shows it between entering and leaving.

    Attributes:
        shares: of each condition, how much is done, from 0 to 1.
        latest: what each running condition last reported, in words.
        accuracies: of the conditions that reported one: the mean over replicas so far.
        replicas: how many are done, skipped and failed.
    """

    def __init__(self, names: Sequence[str], costs: Sequence[float], skipped: int) -> None:
        """Prepare to count.

        Args:
            names: of the conditions to train.
            costs: their expected lengths, in any one unit.
            skipped: replicas that are stored already.
        """
        self.names = names
        self.costs = costs
        self.shares = [0.0] * len(names)
        self.latest: dict[int, str] = {}
        self.accuracies: dict[int, float] = {}
        self.replicas = {"done": 0, "skipped": skipped, "failed": 0}
        self.ended = 0
        self.began = time.monotonic()

    @property
    def share(self) -> float:
        """Return how much of all the work is done, from 0 to 1."""
        work = sum(cost * share for cost, share in zip(self.costs, self.shares, strict=True))
        return work / sum(self.costs)

    def summary(self) -> str:
        """Return counts and the time left, judged by the time that the work so far took."""
        text = ", ".join(f"{count} {kind}" for kind, count in self.replicas.items())
        if 0 < self.share < 1:
            left = (time.monotonic() - self.began) * (1 - self.share) / self.share
            text += f", about {duration(left)} left"
        return text

    def start(self, index: int) -> None:
        """Note that a condition is being trained."""
        self.latest[index] = "starting"
        self.show_start(index)

    def move(self, index: int, event: Mapping[str, Any], where: str = "") -> None:
        """Note what a condition reports: step, steps, and accuracy where there is one yet.

        Args:
            index: of the condition.
            event: what it reports.
            where: it is trained, if another launcher does that.
        """
        self.shares[index] = event["step"] / event["steps"]
        self.latest[index] = f"step {event['step']} of {event['steps']}"
        if event["accuracy"] is not None:
            self.accuracies[index] = event["accuracy"]
            self.latest[index] += f", accuracy {event['accuracy']:.2f}"
        if where:
            self.latest[index] += f" {printable(where)}"
        self.show_move(index)

    def leave(self, index: int) -> None:
        """Note that a condition is left to another launcher."""
        self.latest.pop(index, None)
        self.show_leave(index)

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

    @abstractmethod
    def show_start(self, index: int) -> None:
        """Show that a condition is being trained."""

    @abstractmethod
    def show_move(self, index: int) -> None:
        """Show `latest` of a condition."""

    @abstractmethod
    def show_leave(self, index: int) -> None:
        """Cease to show a condition."""

    @abstractmethod
    def show_end(self, index: int, line: str, failed: bool) -> None:
        """Show how a condition ended."""

    @abstractmethod
    def say(self, line: str) -> None:
        """Show a line of its own."""

    @abstractmethod
    def __enter__(self) -> Display:
        """Begin to show."""

    @abstractmethod
    def __exit__(self, *error: object) -> None:
        """Cease to show."""


class PlainLines(Display):
    """A line when a condition ends, and now and then one in between."""

    def __init__(
        self, stream: TextIO, names: Sequence[str], costs: Sequence[float], skipped: int
    ) -> None:
        """Write to `stream`; the others as in `Display`."""
        super().__init__(names, costs, skipped)
        self.stream = stream
        self.said = time.monotonic()

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the lines as they are."""

    def say(self, line: str) -> None:
        print(printable(line), file=self.stream, flush=True)
        self.said = time.monotonic()

    def show_start(self, index: int) -> None:
        """Show nothing: the end of a condition is news enough."""

    def show_move(self, index: int) -> None:
        if time.monotonic() - self.said >= QUIET_SECONDS:
            running = "; ".join(f"{self.names[i]}: {text}" for i, text in self.latest.items())
            self.say(f"{self.share:.0%}, {self.summary()} ({running})")

    def show_leave(self, index: int) -> None:
        """Show nothing: it will be told when it ends."""

    def show_end(self, index: int, line: str, failed: bool) -> None:
        self.say(f"[{self.ended}/{len(self.names)}] {line} ({self.summary()})")
