"""Say how a stack is trained: the recipe of a condition, and the pace of a device."""

from __future__ import annotations

from dataclasses import dataclass

from rnnbench.experiment.condition import Condition
from rnnbench.experiment.limits import STEPS_PER_BLOCK
from rnnbench.layers import ONE_LAYER, Layers


@dataclass(frozen=True)
class Pace:
    """Say how often the host steps in.

    Attributes:
        look_every: steps after which it looks for losses that are not finite. To look at a GPU is
            to wait for it.
        least_active: share of a stack's rows; where fewer are still trained, the others are cut
            out. On a GPU the step is then captured anew.
        threads: that draw training data one block ahead.
        keeps_fixed: whether the data of evaluations stay in memory, for they take long to draw.
    """

    look_every: int
    least_active: float
    threads: int
    keeps_fixed: bool


PACES = {"cpu": Pace(1, 1.0, 0, False), "cuda": Pace(STEPS_PER_BLOCK, 0.75, 4, True)}


@dataclass(frozen=True)
class Recipe:
    """Say how a stack is trained, in plain values; engine and device are chosen already.

    Attributes:
        steps: optimiser updates at most.
        batch_size: sequences per step.
        clip_norm: bound of the gradient's norm; None for no clipping.
        eval_every: steps between two evaluations.
        eval_size: sequences of an evaluation.
        optimizer: adam, rmsprop or sgd.
        clip_value: bound of every element of the gradient, before clip_norm; None for none.
        train_set_size: sequences of each seed's fixed training set; None for fresh ones.
        gap_schedule: fixed, uniform or growing, see `SCHEDULES`; evaluations are at the task's gap.
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
    layers: Layers = ONE_LAYER
    optimizer: str = "adam"
    clip_value: float | None = None
    train_set_size: int | None = None
    gap_schedule: str = "fixed"


def make_recipe(condition: Condition, engine: str, device: str) -> Recipe:
    """Return the recipe of a condition on an engine and a device (not `auto`)."""
    model = dict(condition.model)
    return Recipe(
        hidden_size=model.pop("hidden_size"),
        layers=Layers(**model),
        **condition.trainer,
        gap_schedule=condition.gap_schedule,
        engine=engine,
        device=device,
        dtype=condition.dtype,
    )
