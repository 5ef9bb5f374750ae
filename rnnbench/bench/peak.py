"""The fastest float32 matrix product seen on this machine: what a share is a share of."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

import torch

from rnnbench.engine.compiled.build import HERE, load

SECONDS = 0.2
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
    """Return the best rate over short stretches: other processes only ever slow it down."""
    work()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return 1 / best
