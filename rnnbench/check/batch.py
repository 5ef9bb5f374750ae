"""Batch independence: what a sequence gives does not depend on those beside it."""

from __future__ import annotations

import torch

from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import pose, run
from rnnbench.check.subject import Subject


def check_batch(subject: Subject) -> Measured:
    """Change all other sequences and their initial states; compare each one's results."""
    cell = subject.build()
    problem = pose(subject, cell)
    before = run(cell, problem)
    batch = problem.inputs.shape[2]
    for own in range(batch):
        others = torch.arange(batch) != own
        inputs = problem.inputs.detach().clone()
        inputs[:, :, others] += 1
        states = tuple(state.detach().clone() for state in problem.states)
        for state in states:
            state[:, others] += 1
        after = run(cell, problem._replace(inputs=inputs, states=states))
        if not all(
            torch.equal(a.select(-2, own), b.select(-2, own))
            for a, b in zip(before, after, strict=True)
        ):
            raise Failure(f"a sequence must not depend on the others, got sequence {own} changed")
    return Measured(f"{batch} sequences, none moved by the others", 0.0)
