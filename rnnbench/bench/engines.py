"""What is compared: each column of the table, and how its processes are set up."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One engine in one kind of process.

    Attributes:
        name: the column's heading.
        engine: torch.nn (the tutorial's loop), jax scan, jax vmap, or an engine of the suite.
        tuned: whether the process is set up as the suite sets up its own (machine.py).
        threads: of each process; with more than one, a single process has all cores.
        stacked: whether a step trains all replicas of the shape, rather than one.
    """

    name: str
    engine: str
    tuned: bool = False
    threads: int = 1
    stacked: bool = False


STOCK = (Column("nn 1 thread", "torch.nn"), Column("nn 2 threads", "torch.nn", threads=2))
MALLOPT = Column("nn mallopt", "torch.nn", tuned=True)
REFERENCE = Column("reference", "reference", tuned=True, stacked=True)
COMPILED = Column("compiled", "compiled", tuned=True, stacked=True)
JAX = (Column("jax scan", "jax scan"), Column("jax vmap", "jax vmap", stacked=True))


def has_jax() -> bool:
    """Return whether the extra `bench` is installed; nothing is imported."""
    return importlib.util.find_spec("jax") is not None


def columns(device: str) -> tuple[Column, ...]:
    """Return what can be compared on a device; JAX only on the CPU."""
    if device == "cuda":
        return (STOCK[0], REFERENCE)
    return (*STOCK, MALLOPT, REFERENCE, COMPILED, *(JAX if has_jax() else ()))
