"""Stepping: one time step after the other is the whole sequence."""

from __future__ import annotations

import torch

from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.problem import difference, pose, run
from rnnbench.check.subject import Subject

BOUND = 1e-12


def check_stepping(subject: Subject) -> Measured:
    """Compare a run in one go with one in calls of a single time step each."""
    cell = subject.build()
    problem = pose(subject, cell)
    outputs, *finals = run(cell, problem)
    states, stepped = problem.states, []
    for x in problem.inputs.unbind(1):
        alone = x[:, None].detach().clone()
        output, *new = run(cell, problem._replace(inputs=alone, states=states))
        states = tuple(new)
        stepped.append(output[:, 0])
    pairs = [(torch.stack(stepped, 1), outputs), *zip(states, finals, strict=True)]
    found = max(difference(own, whole) for own, whole in pairs)
    if not found <= BOUND:
        rule = f"be the whole sequence, to {BOUND:g}"
        raise Failure(f"time steps one after the other must {rule}, got {found:.1e} apart", found)
    return Measured(f"{found:.1e} apart", found)
