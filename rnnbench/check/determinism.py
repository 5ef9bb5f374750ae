"""Determinism: the same cell on the same numbers gives the same numbers."""

from __future__ import annotations

import torch

from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import pose, run
from rnnbench.check.subject import Subject


def check_determinism(subject: Subject) -> Measured:
    """Check that a second run, and a cell built anew, give the same bits.

    Random numbers drawn while running, and a memory beside the declared states, do not.
    """
    cell = subject.build()
    problem = pose(subject, cell)
    first = run(cell, problem)
    torch.rand(7)
    for what, other in (("run", cell), ("cell built alike", subject.build())):
        again = run(other, problem)
        if not all(map(torch.equal, first, again)):
            cause = "random numbers, or a memory beside its states"
            raise Failure(f"a second {what} must give the same numbers, got others: {cause}?")
    return Measured("bitwise the same in 3 runs")
