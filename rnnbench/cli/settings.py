"""The settings that are not a task's or a cell's own: their types, ranges and choices.

No defaults: those live in conf/config.yaml, once.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from rnnbench.experiment.limits import MAX_BLOCK, MAX_LAYERS, MAX_SET, MAX_SIZE, MAX_STEPS
from rnnbench.experiment.tuning import TUNING_SEEDS
from rnnbench.model import Match
from rnnbench.store.rules import LONGEST_NAME, NUMBER

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
AUTO: Final = "auto"
MAX_SEED = min(TUNING_SEEDS) - 1
Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]


def _seeds(value: Any) -> tuple[int, ...]:
    """Turn a number n into 0 .. n-1; keep a list of different seeds."""
    rule = f"be a number from 1 to {MAX_SEED + 1}, or a list of different ones from 0 to {MAX_SEED}"
    if type(value) is int:
        value = list(range(value)) if value <= MAX_SEED + 1 else []
    whole = isinstance(value, list) and all(type(seed) is int for seed in value)
    if not whole or not value or len(set(value)) < len(value):
        raise ValueError(rule)
    if not all(0 <= seed <= MAX_SEED for seed in value):
        raise ValueError(rule)
    return tuple(value)


def _rates(value: Any) -> tuple[float | str, ...]:
    rates = value if isinstance(value, list) else [value]
    good = all(rate == AUTO or (NUMBER.holds(rate) and rate > 0) for rate in rates)
    if not rates or not good or len(set(rates)) < len(rates):
        raise ValueError("be a number above 0, auto, or a list of different ones")
    return tuple(rate if rate == AUTO else float(rate) for rate in rates)


def _workers(value: Any) -> int:
    """Turn auto into 0, which stands for one process per core."""
    if value == "auto":
        return 0
    if type(value) is not int or value < 1:
        raise ValueError("be auto or a whole number of at least 1")
    return value


def _limit(value: Any) -> float | None:
    if value is None:
        return None
    if not NUMBER.holds(value) or value <= 0:
        raise ValueError("be a number of seconds above 0, or null for no limit")
    return float(value)


def _plan(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r".*\w\.json", value)):
        raise ValueError("be the name of a .json file, or null")
    return value


def _bound(value: Any) -> float | None:
    if value is None:
        return None
    if not NUMBER.holds(value) or value <= 0:
        raise ValueError("be a number above 0, or null for no clipping")
    return float(value)


def _memory(value: Any) -> str | None:
    if value is not None and not re.fullmatch(r"[1-9]\d*[KMGT]?", str(value)):
        raise ValueError("be a size such as 4G or 500M, or null for the cluster's default")
    return None if value is None else str(value)


def _address(value: Any) -> str | None:
    if value is not None and not re.fullmatch(r"[^:/\s]+:\d{1,5}", str(value)):
        raise ValueError("be host:port, or null for a cluster of this machine")
    return None if value is None else str(value)


class ModelSettings(BaseModel):
    """The model around the cell."""

    model_config = STRICT
    hidden_size: Size
    match: Match
    num_layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)]
    bidirectional: bool


class TrainerSettings(BaseModel):
    """How long, how fast and with what is trained; see conf/config.yaml."""

    model_config = STRICT
    lr: Annotated[tuple[float | str, ...], BeforeValidator(_rates)]
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    batch_size: Size
    clip_norm: Annotated[float | None, BeforeValidator(_bound)]
    clip_value: Annotated[float | None, BeforeValidator(_bound)]
    optimizer: Literal["adam", "rmsprop", "sgd"]
    eval_every: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    eval_size: Annotated[int, Field(ge=1, le=MAX_SET)]
    train_set_size: int | None

    @field_validator("train_set_size", mode="before")
    @classmethod
    def _holds_a_batch(cls, value: Any, info: ValidationInfo) -> Any:
        """Check the size, as far as steps and batch size are known to be good themselves."""
        batch_size, steps = info.data.get("batch_size", 1), info.data.get("steps", 1)
        least = max(batch_size, -(-steps * batch_size // MAX_BLOCK))
        if value is not None and not (type(value) is int and least <= value <= MAX_SET):
            rule = f"be null for fresh data, or a whole number from {least} to {MAX_SET}"
            raise ValueError(rule)
        return value


class TrackerSettings(BaseModel):
    """Where runs are mirrored to."""

    model_config = STRICT
    kind: Literal["wandb", "none"]
    mode: Literal["auto", "online", "offline"]
    project: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    entity: str | None


class SlurmSettings(BaseModel):
    """What each task of a SLURM array has; see conf/cluster/slurm.yaml."""

    model_config = STRICT
    kind: Literal["slurm"]
    partition: Annotated[str | None, Field(min_length=1)]
    account: Annotated[str | None, Field(min_length=1)]
    time: Size
    memory: Annotated[str | None, BeforeValidator(_memory)]
    cpus: Size
    gpus: Annotated[int, Field(ge=0, le=MAX_SIZE)]
    max_running: Size | None
    options: dict[str, str | int | float | bool]


class RaySettings(BaseModel):
    """What each Ray task has; see conf/cluster/ray.yaml."""

    model_config = STRICT
    kind: Literal["ray"]
    address: Annotated[str | None, BeforeValidator(_address)]
    cpus: Size
    gpus: Annotated[int, Field(ge=0, le=MAX_SIZE)]
    max_running: Size | None


class SweepSettings(BaseModel):
    """What a sweep file may say of itself: its name, a learning rate per task, cells' starts."""

    model_config = STRICT
    name: str
    lr: dict[str, Any] = {}
    start: dict[str, Any] = {}


class Settings(BaseModel):
    """Everything but the insides of task and cell, which their own classes check."""

    model_config = STRICT
    task: dict[str, Any]
    cell: dict[str, Any]
    model: ModelSettings
    trainer: TrainerSettings
    tracker: TrackerSettings
    sweep: SweepSettings | None = None
    cluster: Annotated[SlurmSettings | RaySettings, Field(discriminator="kind")] | None = None
    seeds: Annotated[tuple[int, ...], BeforeValidator(_seeds)]
    engine: Literal["auto", "reference", "compiled", "torch"]
    device: Literal["auto", "cpu", "cuda"]
    dtype: Literal["float32", "float64"]
    name: Annotated[str, Field(pattern=r"^\w[\w.+-]*$", max_length=LONGEST_NAME)]
    output_dir: Annotated[str, Field(min_length=1)]
    workers: Annotated[int, BeforeValidator(_workers)]
    condition_seconds: Annotated[float | None, BeforeValidator(_limit)]
    dry_run: bool
    plan: Annotated[str | None, BeforeValidator(_plan)]
