"""A process that times one engine when it is told to: `python -m rnnbench.bench.worker KIND`.

KIND is `stock1` or `stock2` (torch.nn as it comes, on one or two threads) or `tuned` (a process
of the suite). It reads one request a line from standard input and answers each with one line.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import torch

from rnnbench.bench.problem import Shape, make_trainer
from rnnbench.bench.tutorial import train
from rnnbench.machine import prepare_process


def main(kind: str) -> None:
    """Serve requests until the input ends."""
    if kind == "tuned":
        prepare_process()
    else:
        torch.set_num_threads(int(kind.removeprefix("stock")))
    trainings: dict[str, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = json.dumps(request["problem"])
        if key not in trainings:
            trainings.clear()
            trainings[key] = _start(**request["problem"])
        seconds = time_steps(trainings[key], request["steps"])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "memory": memory}), flush=True)


def _start(cell: str, engine: str, shape: list[int], device: str) -> Any:
    size = Shape(*shape)
    if engine == "torch.nn":
        training: Any = train(cell, size, device)
    else:
        training = make_trainer(cell, size, engine, device).run()
    next(training)
    return training


def time_steps(training: Any, steps: int) -> float:
    """Return the seconds of one step, over so many."""
    start = time.perf_counter()
    for _ in range(steps):
        next(training)
    return (time.perf_counter() - start) / steps


if __name__ == "__main__":
    main(sys.argv[1])
