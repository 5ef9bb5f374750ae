"""Alternating measurements: all engines in turn, several times, each in processes of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import astuple
from types import TracebackType
from typing import Any

from rnnbench.bench.problem import Shape

# How each column is run: the worker's kind, and its engine.
COLUMNS = {
    "torch.nn, 1 thread": ("stock1", "torch.nn"),
    "torch.nn, 2 threads": ("stock2", "torch.nn"),
    "torch.nn + mallopt": ("tuned", "torch.nn"),
    "reference": ("tuned", "reference"),
    "compiled": ("tuned", "compiled"),
}
ROUND_SECONDS = 0.4


class Team:
    """Equal processes that time the same thing at the same time, one per core."""

    def __init__(self, column: str, size: int) -> None:
        self.kind, self.engine = COLUMNS[column]
        self.size = 1 if self.kind == "stock2" else size
        command = [sys.executable, "-m", "rnnbench.bench.worker", self.kind]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.members = [subprocess.Popen(command, **pipes) for _ in range(self.size)]

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the processes by closing their input."""
        for member in self.members:
            member.communicate()

    def runs(self, shape: Shape) -> int:
        """Return how many runs one step of a process trains: torch.nn trains one at a time."""
        return 1 if self.engine == "torch.nn" else shape.replicas

    def time(self, cell: str, shape: Shape, steps: int, device: str) -> tuple[float, float]:
        """Return seconds per run and step with all cores busy, and a process's peak MiB."""
        problem = {"cell": cell, "engine": self.engine, "shape": astuple(shape), "device": device}
        for member in self.members:
            print(json.dumps({"problem": problem, "steps": steps}), file=member.stdin, flush=True)
        answers = [json.loads(member.stdout.readline()) for member in self.members]  # type: ignore[union-attr]
        steps_per_second = sum(1 / answer["seconds"] for answer in answers)
        seconds = 1 / (steps_per_second * self.runs(shape))
        return seconds, max(answer["memory"] for answer in answers)


def measure(
    cell: str, shape: Shape, *, rounds: int, processes: int, device: str
) -> dict[str, dict[str, float]]:
    """Return, per column, the median seconds of a run's training step, and peak memory in MiB."""
    teams = {column: Team(column, processes) for column in COLUMNS}
    seconds: dict[str, list[float]] = {column: [] for column in COLUMNS}
    memory: dict[str, float] = {}
    try:
        steps = {
            column: _steps_for_a_round(team, cell, shape, device) for column, team in teams.items()
        }
        for _ in range(rounds):
            for column, team in teams.items():
                once, memory[column] = team.time(cell, shape, steps[column], device)
                seconds[column].append(once)
    finally:
        for team in teams.values():
            team.__exit__(None, None, None)
    return {
        column: {"seconds": statistics.median(times), "memory": memory[column]}
        for column, times in seconds.items()
    }


def _steps_for_a_round(team: Team, cell: str, shape: Shape, device: str) -> int:
    once, _ = team.time(cell, shape, 1, device)
    return max(1, round(ROUND_SECONDS / (once * team.runs(shape) * team.size)))
