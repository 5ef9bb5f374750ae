"""Causality: what is shown later changes nothing that was answered before."""

from __future__ import annotations

import torch

from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import pose, run
from rnnbench.check.subject import Subject


def check_causality(subject: Subject) -> Measured:
    """Change the inputs from one time step on, for each in turn, and compare all outputs before."""
    cell = subject.build()
    problem = pose(subject, cell)
    outputs = run(cell, problem)[0]
    steps = problem.inputs.shape[1]
    for step in range(1, steps):
        inputs = problem.inputs.detach().clone()
        inputs[:, step:] += 1
        changed = run(cell, problem._replace(inputs=inputs))[0]
        if not torch.equal(changed[:, :step], outputs[:, :step]):
            moved = (changed[:, :step] - outputs[:, :step]).abs().amax((0, 2, 3)).nonzero()
            early = int(moved[0])
            text = f"got time step {early} changed by {step}"
            raise Failure(f"an output must not depend on later inputs, {text}")
    return Measured(f"{steps - 1} changes of later inputs, no output moved", 0.0)
