"""Compiled: the kernel generated from a cell gives what the reference engine gives."""

from __future__ import annotations

import torch

from rnnbench.check.outcome import Failure, Measured, NotApplicable
from rnnbench.check.problem import difference, everything, largest, pose
from rnnbench.check.subject import Subject
from rnnbench.engine import check_engine
from rnnbench.errors import message_of

BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-5}


def check_compiled(subject: Subject) -> Measured:
    """Compare outputs, states and all gradients with the reference engine's in float64."""
    cell = subject.build()
    try:
        check_engine("compiled", cell, "cpu")
    except ValueError as error:
        raise NotApplicable(message_of(error)) from error
    exact = everything("reference", cell, pose(subject, cell))
    apart = {}
    for dtype, bound in BOUNDS.items():
        found = everything("compiled", cell, pose(subject, cell, dtype=dtype))
        pairs = [(name, difference(found[name].double(), exact[name])) for name in exact]
        name, apart[dtype] = largest(pairs)
        if not apart[dtype] <= bound:
            text = f"the kernel must agree with the reference engine to {bound:g} in {dtype}"
            raise Failure(f"{text}, got {name} {apart[dtype]:.1e} apart", apart[dtype])
    text = ", ".join(f"{value:.1e} in {str(dtype)[6:]}" for dtype, value in apart.items())
    return Measured(f"{text} from the reference", apart[torch.float64])
