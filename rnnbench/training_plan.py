"""How a stack is trained: sizes, lengths, bounds; plain values, of a resolved engine and device."""

from __future__ import annotations

from dataclasses import dataclass

from rnnbench.layers import Layers


@dataclass(frozen=True)
class Plan:
    """How long and with what a stack is trained.

    Attributes:
        steps: optimiser updates at most.
        batch_size: sequences per step.
        clip_norm: bound of the gradient's norm; None for no clipping.
        eval_every: steps between two evaluations.
        eval_size: sequences of an evaluation.
        optimizer: adam, rmsprop or sgd.
        clip_value: bound of every element of the gradient, before clip_norm; None for none.
        train_set_size: sequences of each seed's fixed training set; None for fresh ones.
        gap_schedule: fixed, uniform or growing, see `rnnbench.data`; measured is at the task's gap.
    """

    hidden_size: int
    steps: int
    batch_size: int
    clip_norm: float | None
    eval_every: int
    eval_size: int
    engine: str = "reference"
    device: str = "cpu"
    dtype: str = "float32"
    num_layers: int = 1
    bidirectional: bool = False
    optimizer: str = "adam"
    clip_value: float | None = None
    train_set_size: int | None = None
    gap_schedule: str = "fixed"

    @property
    def layers(self) -> Layers:
        return Layers(self.num_layers, self.bidirectional)
