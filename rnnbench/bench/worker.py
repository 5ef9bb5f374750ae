"""A process that measures what it is told to: `python -m rnnbench.bench.worker COLUMN CORE`.

It reads one request a line from standard input and answers each with one line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from rnnbench.bench.engines import Column
from rnnbench.bench.peak import own_gflops, torch_gflops
from rnnbench.bench.problem import Shape, make_trainer
from rnnbench.bench.tutorial import train
from rnnbench.machine import prepare_process

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main(column: Column, core: int) -> None:
    """Serve requests until the input ends."""
    _prepare(column, core)
    training: Iterator[Any] = iter(())
    before = 0.0
    for line in sys.stdin:
        request = json.loads(line)
        if "problem" in request:
            before = _start_peak()
            training = _start(column, **request["problem"])
            answer: dict[str, float] = {}
        elif "steps" in request:
            seconds = time_steps(training, request["steps"])
            answer = {"seconds": seconds, "memory": _memory("VmHWM") - before}
        else:
            answer = {"torch.mm": torch_gflops(), "own kernel": own_gflops()}
        print(json.dumps(answer), flush=True)


def _prepare(column: Column, core: int) -> None:
    if column.engine.startswith("jax"):
        # XLA takes as many threads as it sees cores; the others are held to one by torch.
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        os.sched_setaffinity(0, {core})
    torch.set_num_threads(column.threads)
    if column.tuned:
        prepare_process()


def _start(column: Column, cell: str, shape: list[int], device: str) -> Iterator[Any]:
    """Return a training after its first step, which builds and allocates."""
    size = Shape(*shape)
    if column.engine == "torch.nn":
        training: Iterator[Any] = train(cell, size, device)
    elif column.engine.startswith("jax"):
        from rnnbench.bench import jax_training

        training = jax_training.train(cell, size, column.stacked)
    else:
        training = make_trainer(cell, size, column.engine, device).run()
    next(training)
    return training


def time_steps(training: Iterator[Any], steps: int) -> float:
    """Return the seconds of one step, over so many."""
    start = time.perf_counter()
    for _ in range(steps):
        next(training)
    return (time.perf_counter() - start) / steps


def _start_peak() -> float:
    """Begin to watch for the peak of memory; return what is held already, in MiB."""
    if RESET.exists():
        RESET.write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> float:
    """Return a figure of this process's memory in MiB; NaN where the system has no such file."""
    if not STATUS.exists():
        return float("nan")
    lines = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(next(lines).split()[1]) / 1024


if __name__ == "__main__":
    main(Column(**json.loads(sys.argv[1])), int(sys.argv[2]))
