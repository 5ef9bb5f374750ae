"""Endurance: over a long sequence of noise, states stay finite and of a bounded size."""

from __future__ import annotations

import torch

from rnnbench.check.outcome import Failure, Measured
from rnnbench.check.start import draw
from rnnbench.check.subject import INPUT_SIZE, Subject
from rnnbench.engine import get_engine

STEPS = 1000
BOUND = 1e6


def check_endurance(subject: Subject) -> Measured:
    """Run a cell as it starts over normal noise, in float32, and look at all of its states."""
    cell, size = subject.build(), subject.hidden_size
    parameters = {name: tensor[None] for name, tensor in draw(cell, size).items()}
    noise = torch.randn(1, STEPS, 4, INPUT_SIZE, generator=torch.Generator().manual_seed(0))
    states = tuple(torch.zeros(1, 4, size) for _ in cell.states)
    most = 0.0
    with torch.no_grad():
        for step, x in enumerate(noise.unbind(1)):
            _, states = get_engine("reference")(cell, parameters, x[:, None], states)
            for name, state in zip(cell.states, states, strict=True):
                reached = float(state.abs().max())
                if not reached <= BOUND:
                    rule = f"stay below {BOUND:g} over {STEPS} time steps of noise"
                    raise Failure(
                        f"states must {rule}, got {reached:g} in {name} at {step}", reached
                    )
                most = max(most, reached)
    return Measured(f"at most {most:.2g} over {STEPS} time steps of noise", most)
