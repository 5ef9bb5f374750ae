"""What a process holds at a moment, and whether that has grown over many."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20
WARM_UP = 5  # the first sweeps build kernels, and fill caches and the allocator's pools
WINDOW = 5
LEAST = WARM_UP + 2 * WINDOW  # sweeps that tell growth
MAX_MIB = 8.0  # 20 kB, a record's size, leaked by each of 36 runs would be 10 in 15 sweeps


class Holdings(NamedTuple):
    """Memory in MiB; numbers of open files, threads, child processes and files of temporary use."""

    memory: float
    files: int
    threads: int
    children: int
    temporary: int


def take_stock(temporary: Path) -> Holdings:
    """Return what this process holds now; `temporary` is where its temporary files go."""
    gc.collect()
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / MIB
    return Holdings(
        memory,
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        sum(1 for _ in temporary.rglob("*")),
    )


def growth(stocks: Sequence[Holdings]) -> Holdings:
    """Return by how much the median of the last has grown over that of the first after warm-up.

    Raises:
        ValueError: there are too few to say.
    """
    if len(stocks) < LEAST:
        raise ValueError(f"a soak must have at least {LEAST} sweeps")
    early, late = stocks[WARM_UP : WARM_UP + WINDOW], stocks[-WINDOW:]
    medians = [[median(column) for column in zip(*part, strict=True)] for part in (early, late)]
    return Holdings(*(b - a for a, b in zip(*medians, strict=True)))


def is_flat(grown: Holdings) -> bool:
    """Return whether nothing has grown, memory but for the allocator's noise."""
    memory, *others = grown
    return memory <= MAX_MIB and all(number <= 0 for number in others)
