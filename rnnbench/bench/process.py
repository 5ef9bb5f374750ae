"""Time one column of the bench in its own process, which takes requests as lines of JSON."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import torch

from rnnbench.bench.problem import Column, Shape, train_as_tutorials_do, train_stack
from rnnbench.console import ExitCode, run_and_exit
from rnnbench.engine.compiled.build import HERE, load
from rnnbench.training.machine import keep_float32, prepare_process

STRETCH = 0.2  # seconds for which a matrix product is timed
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
OWN = """
extern "C" void product(const float *a, const float *b, const float *start, float *c, int rows,
                        int k, int columns, int times) {
  for (int i = 0; i < times; i++)
    for (int n = 0; n < columns; n += panel<float>()) {
      const Product<float> one = {k, a, k, b + (long)n * k, panel<float>()};
      multiply<float, Left::ROWS_APART>(rows, &one, 1, start + n, 0, c + n, columns);
    }
}
"""


def main(column: Column, processors: list[int]) -> int:
    """Answer requests until the input ends: start a training, time steps, or find the peak.

    It runs on these processors; on any where there are none.
    """
    _prepare(column, processors)
    training: Iterator[int] = iter(())
    before, device = 0.0, "cpu"
    for line in sys.stdin:
        request = json.loads(line)
        if "problem" in request:
            device = request["problem"]["device"]
            before = start_peak(device)
            training = _start(column, **request["problem"])
            answer: dict[str, float] = {}
        elif "steps" in request:
            seconds = time_steps(training, request["steps"], device)
            answer = {"seconds": seconds, "memory": peak_memory(device) - before}
        else:
            answer = {"torch.mm": torch_gflops(), "own kernel": own_gflops()}
        print(json.dumps(answer), flush=True)
    return ExitCode.DONE


def _prepare(column: Column, processors: list[int]) -> None:
    if column.engine.startswith("jax"):  # the others are held to one thread by torch
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if column.tuned:  # what a cell's trace imports, Triton too, is no memory of a training
        import_module("torch._dynamo")
    if processors:
        os.sched_setaffinity(0, processors)
    torch.set_num_threads(column.threads)
    keep_float32()
    if column.tuned:
        prepare_process()


def _start(column: Column, cell: str, shape: list[int], device: str) -> Iterator[int]:
    """Return a training after its first step, which builds and allocates."""
    size = Shape(*shape)
    if column.engine == "torch.nn":
        training: Iterator[int] = train_as_tutorials_do(cell, size, device)
    elif column.engine.startswith("jax"):
        from rnnbench.bench import jax_training

        training = jax_training.train(cell, size, column.stacked)
    else:
        training = train_stack(cell, size, column.engine, device)
    next(training)
    return training


def time_steps(training: Iterator[int], steps: int, device: str = "cpu") -> float:
    """Return the mean seconds of a step, over at least so many."""
    wait(device)
    start, taken = time.perf_counter(), 0
    while taken < steps:
        taken += next(training)
    wait(device)
    return (time.perf_counter() - start) / taken


def wait(device: str) -> None:
    """Wait until a GPU has done all that it was told; it runs behind the program."""
    if device == "cuda":
        torch.cuda.synchronize()


def start_peak(device: str) -> float:
    """Reset the peak of memory; return what is held already, in MiB."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 2**20
    if RESET.exists():
        RESET.write_text("5")
    return held_memory()


def peak_memory(device: str) -> float:
    """Return the most memory that tensors of a GPU, or this process, have held, in MiB."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return _memory("VmHWM")


def held_memory() -> float:
    """Return the memory of this process, in MiB."""
    return _memory("VmRSS")


def _memory(name: str) -> float:
    """Return a figure of this process's memory in MiB; NaN where the system does not tell."""
    if not STATUS.exists():
        return float("nan")
    lines = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(next(lines).split()[1]) / 1024


def torch_gflops() -> float:
    """Return the best rate of torch.mm over a few sizes, in GFLOP/s of one thread."""
    return max(_torch_rate(size) for size in (128, 256, 512, 1024))


def own_gflops() -> float:
    """Return the best rate of the suite's micro-kernel on packed panels, in GFLOP/s."""
    library = load("\n".join([*((HERE / name).read_text() for name in ("simd.h", "gemm.h")), OWN]))
    return max(_own_rate(library, rows, k) for rows in (12, 36, 72) for k in (128, 256))


def _torch_rate(size: int) -> float:
    a, b = torch.rand(size, size), torch.rand(size, size)
    out = torch.empty(size, size)
    return 2 * size**3 * _times_per_second(lambda: torch.mm(a, b, out=out)) / 1e9


def _own_rate(library: ctypes.CDLL, rows: int, k: int, columns: int = 256) -> float:
    tensors = (torch.rand(rows, k), torch.rand(columns, k), torch.rand(columns))
    out, times = torch.empty(rows, columns), max(1, 10**7 // (rows * k * columns))
    arrays = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (*tensors, out)]
    rate = _times_per_second(lambda: library.product(*arrays, rows, k, columns, times))
    return 2 * rows * k * columns * times * rate / 1e9


def _times_per_second(work: Callable[[], object]) -> float:
    """Return calls per second, by the fastest call: other processes can only slow it down."""
    work()
    best, end = float("inf"), time.perf_counter() + STRETCH
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return 1 / best


if __name__ == "__main__":
    given = Column(**json.loads(sys.argv[1])), json.loads(sys.argv[2])
    run_and_exit(lambda: main(*given))
