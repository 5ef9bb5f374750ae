"""What a process holds at a moment, and whether that has grown over many."""

from __future__ import annotations

import gc
import linecache
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
MAX_MIB = 16.0  # tables that Python keeps for itself double now and then: 4 MiB at a time
MAX_OBJECTS = 200  # one object kept of each of 36 runs would be 540 in 15 sweeps


class Holdings(NamedTuple):
    """Memory in MiB; numbers of Python's objects, of open files, threads, children and files left.

    The objects are those that can hold others; the files are those of temporary use.
    """

    memory: float
    objects: int
    files: int
    threads: int
    children: int
    temporary: int


def take_stock(temporary: Path) -> Holdings:
    """Return what this process holds now; `temporary` is where its temporary files go."""
    linecache.clearcache()  # torch.fx leaves an entry there for every function that it traces
    gc.collect()
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / MIB
    return Holdings(
        memory,
        len(gc.get_objects()),
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
    """Return whether nothing has grown, memory and objects but for what Python does with them."""
    memory, objects, *others = grown
    return memory <= MAX_MIB and objects <= MAX_OBJECTS and all(number <= 0 for number in others)
