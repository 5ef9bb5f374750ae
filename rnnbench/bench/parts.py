"""Do the parts of a verification, each as a line of JSON asks for it, in a process of their own."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

import rnnbench.cells
from rnnbench.bench.measure import ROUND_SECONDS, measure
from rnnbench.bench.problem import STOCK, Shape, make_trainer, train_stack
from rnnbench.bench.process import held_memory, peak_memory, start_peak, time_steps, wait
from rnnbench.cell import Cell
from rnnbench.check.gate import Trial, reason_against
from rnnbench.check.verdicts import identity_of, remember
from rnnbench.console import ExitCode, describe, run_and_exit
from rnnbench.training.machine import describe_machine, prepare_process
from rnnbench.training.trainer import Trainer

Answer = dict[str, Any]
SETTLED = 512  # steps after which a training holds all the memory that it will need
GROWTH = {"device": 1.0, "process": 64.0}  # MiB; what Python keeps comes and goes
ROUNDS = 3


def machine(device: str, size: int) -> Answer:
    """Return versions and hardware, and peaks of products of `size` and of memory."""
    found: Answer = {**describe_machine()}
    a, b = (torch.rand(size, size, device=device) for _ in range(2))
    out = torch.empty_like(a)
    found["fp32_tflops"] = 2 * size**3 / _seconds(lambda: torch.mm(a, b, out=out), device) / 1e12
    if device == "cuda":
        torch.set_float32_matmul_precision("high")
        found["tf32_tflops"] = (
            2 * size**3 / _seconds(lambda: torch.mm(a, b, out=out), device) / 1e12
        )
        torch.set_float32_matmul_precision("highest")
    found["copy_tb_per_s"] = 2 * a.nbytes / _seconds(lambda: out.copy_(a), device) / 1e12
    return found


def _seconds(work: Callable[[], object], device: str, times: int = 10) -> float:
    """Return the seconds of a call, the best of a few rounds of calls."""
    rounds = []
    for _ in range(ROUNDS + 1):
        wait(device)
        start = time.perf_counter()
        for _ in range(times):
            work()
        wait(device)
        rounds.append((time.perf_counter() - start) / times)
    return min(rounds[1:])


def gate(
    device: str, engine: str, cell: str, replicas: int, batch: int, hidden: int, features: int
) -> Answer:
    """Try an engine for a shipped cell at a shape, and remember the verdict."""
    trial = Trial(engine, shipped(cell), replicas, batch, hidden, features, device)
    reason = reason_against(trial)
    remember(identity_of(trial), reason)
    return {"ok": reason is None, "reason": reason}


def shipped(name: str) -> Cell:
    """Return a cell of the suite, by the name of its class."""
    cell: Cell = getattr(rnnbench.cells, name)()
    return cell


def graph(device: str, engine: str, cell: str, shape: Sequence[int], steps: int) -> Answer:
    """Compare a training as it is with one whose steps are in no CUDA graph, bit by bit."""
    trained = {}
    for allowed in (True, False):
        with _captures(allowed) as captured:
            trained[allowed] = _train(make_trainer(cell, Shape(*shape), engine, device), steps)
        if allowed and device == "cuda" and not captured:
            return {"ok": False, "reason": "no step was captured in a graph"}
    same = torch.equal(*(trainer.stack.buffer for trainer in trained.values()))
    return {"ok": same, "reason": None if same else "a graph gives other numbers"}


@contextmanager
def _captures(allowed: bool) -> Iterator[list[int]]:
    """Count the CUDA graphs that are captured meanwhile, or let none be."""
    original, captured = torch.cuda.graph, []

    class Counted(original):  # type: ignore[misc, valid-type]
        def __enter__(self) -> None:
            if not allowed:
                raise RuntimeError("graphs are left out, to compare with")
            super().__enter__()

        def __exit__(self, *error: object) -> None:
            super().__exit__(*error)
            captured.append(1)

    torch.cuda.graph = Counted  # type: ignore[misc]
    try:
        yield captured
    finally:
        torch.cuda.graph = original  # type: ignore[misc]


def _train(trainer: Trainer, steps: int) -> Trainer:
    training = trainer.run()
    while trainer.step < steps:
        next(training)
    return trainer


def stack(device: str, engine: str, cell: str, shape: Sequence[int], steps: int) -> Answer:
    """Compare the first and the last replica of a stack with the same trained alone, bit by bit."""
    size = Shape(*shape)
    stacked = _train(make_trainer(cell, size, engine, device), steps)
    for row in (0, size.replicas - 1):
        alone = _train(make_trainer(cell, size, engine, device, seeds=[row]), steps)
        if not torch.equal(stacked.stack.buffer[row], alone.stack.buffer[0]):
            return {"ok": False, "reason": f"replica {row} has other numbers alone"}
    return {"ok": True, "reason": None}


def growth(device: str, engine: str, cell: str, shape: Sequence[int], steps: int) -> Answer:
    """Train for long, and tell by how many MiB what is held has grown meanwhile."""
    trainer = _train(make_trainer(cell, Shape(*shape), engine, device), min(SETTLED, steps // 2))
    before = _held(device)
    _train(trainer, steps)
    grown = {place: held - before[place] for place, held in _held(device).items()}
    over = [f"{place} {grown[place]:.0f} MiB" for place in grown if grown[place] > GROWTH[place]]
    reason = f"memory grows in {steps} steps: {', '.join(over)}" if over else None
    return {"ok": not over, "reason": reason, "grown_mib": grown}


def _held(device: str) -> dict[str, float]:
    gc.collect()
    wait(device)
    reserved = torch.cuda.memory_reserved() / 2**20 if device == "cuda" else 0.0
    return {"device": reserved, "process": held_memory()}


def speed(device: str, engine: str, cell: str, shape: Sequence[int]) -> Answer:
    """Return microseconds of a whole training step, for each run and time step, and MiB."""
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
    size, before = Shape(*shape), start_peak(device)
    training = train_stack(cell, size, engine, device)
    for _ in range(2):  # what is compiled or captured, then a round as all others
        time_steps(training, 1, device)
    once = time_steps(training, 1, device)
    count = max(1, round(ROUND_SECONDS / once))
    seconds = min(time_steps(training, count, device) for _ in range(ROUNDS))
    return {"us": _us(seconds / size.replicas, size), "mib": peak_memory(device) - before}


def stock(device: str, cell: str, shape: Sequence[int], processes: int) -> Answer:
    """Return the same of torch.nn, one run in each of some processes at once."""
    sizes = {"rounds": ROUNDS, "processes": processes}
    size = Shape(*shape)
    found = measure(STOCK[:1], cell, size, device=device, **sizes)[STOCK[0].name]
    return {"us": _us(found["seconds"], size), "mib": processes * found["memory"]}


def _us(seconds: float, shape: Shape) -> float:
    return 1e6 * seconds / shape.length


PARTS: dict[str, Callable[..., Answer]] = {
    part.__name__: part for part in (machine, gate, graph, stack, growth, speed, stock)
}


def main(device: str) -> int:
    """Answer until the input ends; a part that raises is the last, as CUDA may be beyond help."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    prepare_process()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer, fails = PARTS[name](device, **arguments), False
        except Exception as error:  # whatever a compiler, a driver or a kernel raises
            answer, fails = {"ok": False, "reason": describe(error)[:300]}, True
        os.write(answers, json.dumps(answer).encode() + b"\n")
        if fails:
            break
    return ExitCode.DONE


if __name__ == "__main__":
    run_and_exit(lambda: main(sys.argv[1]))
