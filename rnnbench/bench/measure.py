"""Time all columns in turn, several times, each in processes of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, astuple
from typing import Any

from rnnbench import PROCESSORS
from rnnbench.bench.problem import COMPILED, Column, Shape
from rnnbench.training.machine import visible_gpus

ROUND_SECONDS = 0.4
Answer = dict[str, float]


class Team:
    """Run equal processes that time the same thing at the same moment.

    There is one per core, or per GPU; more of them share the GPUs.
    """

    def __init__(self, column: Column, processes: int) -> None:
        self.column = column
        count = 1 if column.threads > 1 else processes
        command = [sys.executable, "-m", "rnnbench.bench.process", json.dumps(asdict(column))]
        options: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        gpus = visible_gpus()
        self.members = []
        for number in range(count):
            own = {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}
            options["env"] = {**os.environ, "OMP_PROC_BIND": "false", **own}  # else one core
            words = [*command, json.dumps(self._processors(number))]
            self.members.append(subprocess.Popen(words, **options))

    def _processors(self, number: int) -> list[int]:
        """Return where a member may run; XLA takes as many threads as it sees processors."""
        known = sorted(PROCESSORS or ())
        alone = known and self.column.engine.startswith("jax")
        return [known[number % len(known)]] if alone else known

    def ask(self, request: dict[str, Any]) -> list[Answer]:
        """Send every member the same request, then wait for all of them.

        Raises:
            RuntimeError: a member died; it has said why on its standard error.
        """
        for member in self.members:
            print(json.dumps(request), file=member.stdin, flush=True)
        lines = [member.stdout.readline() for member in self.members]  # type: ignore[union-attr]
        if not all(lines):
            raise RuntimeError(f"a process of {self.column.name} died")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        """End the processes by closing their input."""
        for member in self.members:
            member.communicate()


def measure_peak(processes: int) -> Answer:
    """Return the float32 GFLOP/s of a core while all cores are busy, by kind of product."""
    with closing(Team(COMPILED, processes)) as team:
        answers = team.ask({})
    return {name: min(answer[name] for answer in answers) for name in answers[0]}


def measure(
    columns: Sequence[Column], cell: str, shape: Shape, *, rounds: int, processes: int, device: str
) -> dict[str, Answer]:
    """Return for each column the median seconds of a run's training step, and peak memory in MiB.

    Processes share the work: with two of them, the seconds are half of what each one takes.
    Memory is what a process needs beyond its imports, for all replicas that it trains.
    """
    problem = {"cell": cell, "shape": astuple(shape), "device": device}
    seconds: dict[str, list[float]] = {column.name: [] for column in columns}
    memory: dict[str, float] = {}
    with ExitStack() as stack:
        teams = [stack.enter_context(closing(Team(column, processes))) for column in columns]
        for team in teams:
            team.ask({"problem": problem})
        steps = [_steps_for_a_round(team) for team in teams]
        for _ in range(rounds):
            for team, count in zip(teams, steps, strict=True):
                answers = team.ask({"steps": count})
                runs = shape.replicas if team.column.stacked else 1
                per_second = runs * sum(1 / answer["seconds"] for answer in answers)
                seconds[team.column.name].append(1 / per_second)
                memory[team.column.name] = max(answer["memory"] for answer in answers)
    return {
        name: {"seconds": statistics.median(times), "memory": memory[name]}
        for name, times in seconds.items()
    }


def _steps_for_a_round(team: Team) -> int:
    """Return how many steps take about ROUND_SECONDS."""
    slowest = max(answer["seconds"] for answer in team.ask({"steps": 2}))
    return max(1, round(ROUND_SECONDS / slowest))
