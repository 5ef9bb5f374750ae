"""Declare the settings that are not a task's or a cell's own: their types, ranges and choices.

No defaults: those live in conf/config.yaml, once.
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from rnnbench.experiment import limits
from rnnbench.model import Match
from rnnbench.store.rules import ABOVE_0, LONGEST_NAME, NAME, TEXT, Rule
from rnnbench.tracker.names import GROUP, PLACE, TAGS

AUTO = "auto"


class Section(BaseModel):
    """A part of the configuration: values of exactly its types, and no other keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _within(range_: limits.Range) -> Any:
    return Field(ge=range_.least, le=range_.most)


def _obeying(rule: Rule) -> BeforeValidator:
    """Return a validator that lets through what obeys a rule."""

    def check(value: Any) -> Any:
        if not rule.holds(value):
            raise ValueError(f"be {rule.words}")
        return value

    return BeforeValidator(check)


def _matching(pattern: str, rule: str) -> BeforeValidator:
    """Return a validator that lets through None, and what matches a pattern as a text."""

    def check(value: Any) -> str | None:
        if value is not None and not re.fullmatch(pattern, str(value)):
            raise ValueError(f"be {rule}")
        return None if value is None else str(value)

    return BeforeValidator(check)


def _seeds(value: Any) -> tuple[int, ...]:
    """Turn a number n into 0 .. n-1; keep a list of different seeds."""
    is_count = type(value) is int and value <= limits.GREATEST_SEED + 1
    seeds = list(range(value)) if is_count else value
    good = isinstance(seeds, list) and all(
        type(s) is int and 0 <= s <= limits.GREATEST_SEED for s in seeds
    )
    if not good or not seeds or len(set(seeds)) < len(seeds):
        rule = f"be a number from 1 to {limits.GREATEST_SEED + 1}, or a list of different ones"
        raise ValueError(f"{rule} from 0 to {limits.GREATEST_SEED}")
    return tuple(seeds)


def _rates(value: Any) -> tuple[float | str, ...]:
    """Turn one learning rate into a list; keep a list of different ones."""
    rates = value if isinstance(value, list) else [value]
    good = all(rate == AUTO or ABOVE_0.holds(rate) for rate in rates)
    if not rates or not good or len(set(rates)) < len(rates):
        raise ValueError("be a number above 0, auto, or a list of different ones")
    return tuple(rate if rate == AUTO else float(rate) for rate in rates)


def _grid(value: Any) -> list[float]:
    """Keep a list of rates; values with commas between them would be sweeps of one rate each."""
    if not limits.RATES.holds(value):
        raise ValueError(f'be {limits.RATES.words}, as in "tuning.rates=[0.003,0.01]"')
    return [float(rate) for rate in value]


def _workers(value: Any) -> int:
    """Turn auto into 0, which stands for one process per core."""
    if value == AUTO:
        return 0
    if type(value) is not int or value < 1:
        raise ValueError("be auto or a whole number of at least 1")
    return value


def _minutes(value: Any) -> int:
    """Turn what SLURM takes for a time into minutes; M:SS is refused, as H:MM is often meant."""
    text = str(value)
    found = TIME.fullmatch(text)
    total = int(text) if re.fullmatch(r"\d{1,9}", text) else 0
    if found and not total:
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        total = (days * 24 + hours) * 60 + minutes + (seconds > 0)
    if not limits.SIZE.least <= total <= limits.SIZE.most:
        raise ValueError(
            f"be minutes, HH:MM:SS or D-HH:MM:SS, from 1 to {limits.SIZE.most} minutes"
        )
    return total


def _lines(value: Any) -> list[str]:
    """Turn a text into a list of it; keep a list of texts."""
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ValueError("be a list of lines for a shell")
    return lines


def _options(value: Any) -> dict[str, str | int | float | bool]:
    """Check that sbatch's options have their long names, and that none is the suite's own."""
    if not isinstance(value, dict):
        raise ValueError("hold options of sbatch, such as {qos: long}")
    options = {str(key).replace("_", "-"): each for key, each in value.items()}
    for key, each in options.items():
        if not re.fullmatch(r"[a-z0-9]{2,}(-[a-z0-9]+)*", key):
            raise ValueError(f"have long names, such as qos, and not {key}")
        # sbatch takes the beginning of a name for the name.
        own = next((own for own in OWN_OPTIONS if own.startswith(key)), None)
        if own:
            raise ValueError(f"leave {own} to {OWN_OPTIONS[own]}")
        if not isinstance(each, str | int | float) or len(str(each).splitlines()) > 1:
            raise ValueError(f"have a text of one line, a number, true or false as {key}")
    return options


TIME = re.compile(r"(?!\d+(?::\d+)?$)(?:(\d{1,4})-)?(\d{1,6})(?::([0-5]?\d)(?::([0-5]?\d))?)?")
# Options of sbatch that the suite sets itself, and the key that sets them.
OWN_OPTIONS = {
    "account": "cluster.account",
    "cpus-per-task": "cluster.cpus",
    "mem": "cluster.memory",
    "partition": "cluster.partition",
    "time": "cluster.time",
}
OTHERS = "array error job-name nodes ntasks output parsable quiet signal test-only wait wrap"
OWN_OPTIONS |= dict.fromkeys(OTHERS.split(), "rnnbench")


def _at_home(path: str | None) -> str | None:
    """Return a path that begins with ~ as that of a home."""
    found = None if path is None else os.path.expanduser(path)
    if found is not None and found.startswith("~"):
        raise ValueError("be below a home that is known where it begins with ~")
    return found


Size = Annotated[int, _within(limits.SIZE)]
Steps = Annotated[int, _within(limits.STEPS)]
ClipBound = Annotated[
    float | None, _obeying(Rule("a number above 0, or null for no clipping", ABOVE_0.or_none.holds))
]
Seconds = Annotated[
    float | None,
    _obeying(Rule("a number of seconds above 0, or null for no limit", ABOVE_0.or_none.holds)),
]
Memory = Annotated[
    str | None,
    _matching(
        r"(?i)[1-9]\d*([KMGT]B?)?", "a size such as 4G or 500M, or null for the cluster's default"
    ),
]
Line = Annotated[str | None, _matching(r"[^\r\n]+", "a text of one line, or null")]
Lines = Annotated[list[str], BeforeValidator(_lines)]
Address = Annotated[
    str | None, _matching(r"[^:/\s]+:\d{1,5}", "host:port, or null for a cluster of this machine")
]
OF_ONE_TASK = Rule(
    "0 or 1, as each condition trains on one GPU: Ray runs as many tasks as it has GPUs",
    lambda value: type(value) is int and value in (0, 1),
)
PlanFile = Annotated[
    str | None,
    _matching(r".*\w\.json", "the name of a .json file, or null"),
    AfterValidator(_at_home),
]


class ModelSettings(Section):
    """The model around the cell."""

    hidden_size: Size
    match: Match
    num_layers: Annotated[int, _within(limits.LAYERS)]
    bidirectional: bool
    block: limits.Block
    window: Annotated[int, _within(limits.WINDOW)]
    precision: limits.Precision
    wiring: limits.Wiring


class TrainerSettings(Section):
    """How long, how fast and with what is trained; see conf/config.yaml."""

    lr: Annotated[tuple[float | str, ...], BeforeValidator(_rates)]
    steps: Steps
    batch_size: Size
    clip_norm: ClipBound
    clip_value: ClipBound
    optimizer: limits.Optimizer
    eval_every: Steps
    eval_size: Annotated[int, _within(limits.SET)]
    train_set_size: int | None

    @field_validator("train_set_size", mode="before")
    @classmethod
    def _holds_a_batch(cls, value: Any, info: ValidationInfo) -> Any:
        """Check the size, as far as steps and batch size are known to be good themselves."""
        batch_size, steps = info.data.get("batch_size", 1), info.data.get("steps", 1)
        least = max(batch_size, -(-steps * batch_size // limits.MAX_BLOCK))
        if value is not None and not (type(value) is int and least <= value <= limits.SET.most):
            rule = f"be null for fresh data, or a whole number from {least} to {limits.SET.most}"
            raise ValueError(rule)
        return value


class TuningSettings(Section):
    """How a rate is chosen where it is auto; see conf/config.yaml."""

    rates: Annotated[list[float], BeforeValidator(_grid)]
    per: limits.Per
    seeds: Annotated[int, _within(limits.TUNERS)]


class TrackerSettings(Section):
    """Where runs are mirrored to, and what they are given there."""

    kind: Literal["wandb", "none"]
    mode: Literal["auto", "online", "offline", "disabled"]
    project: Annotated[str, _obeying(PLACE)]
    entity: Annotated[str | None, _obeying(PLACE.or_none)]
    group: Annotated[str | None, _obeying(GROUP.or_none)]
    tags: Annotated[list[str], _obeying(TAGS)]
    notes: Annotated[str | None, _obeying(TEXT.or_none)]


class ReportSettings(Section):
    """What the report of a sweep is drawn with."""

    baseline: Annotated[str, _obeying(NAME)]


class SlurmSettings(Section):
    """What each task of a SLURM array has; see conf/cluster/slurm.yaml."""

    kind: Literal["slurm"]
    partition: Line
    account: Line
    time: Annotated[int, BeforeValidator(_minutes)]
    memory: Memory
    cpus: Size
    per_task: Size
    gpus: Annotated[int, Field(ge=0, le=limits.SIZE.most)]
    max_running: Size | None
    setup: Lines
    python: Line
    options: Annotated[dict[str, str | int | float | bool], BeforeValidator(_options)]

    @field_validator("gpus")
    @classmethod
    def _has_a_process_for_each(cls, value: int, info: ValidationInfo) -> int:
        """Check the number, as far as those of CPUs and conditions are known to be good."""
        cpus, per_task = (info.data.get(key, value) for key in ("cpus", "per_task"))
        if value > max(1, min(cpus, per_task)):
            have = f"cluster.cpus={cpus} and cluster.per_task={per_task}"
            rule = "be at most cluster.cpus and at most cluster.per_task"
            raise ValueError(f"{rule}, as each condition trains on one GPU, with {have}")
        return value


class RaySettings(Section):
    """What each Ray task has; see conf/cluster/ray.yaml."""

    kind: Literal["ray"]
    address: Address
    cpus: Size
    gpus: Annotated[int, _obeying(OF_ONE_TASK)]
    max_running: Size | None


class SweepSettings(Section):
    """What a sweep file may say of itself: its name, a learning rate per task, cells' starts."""

    name: str
    lr: dict[str, Any] = {}
    start: dict[str, Any] = {}


class Settings(Section):
    """Everything but the insides of task and cell, which their own classes check."""

    task: dict[str, Any]
    cell: dict[str, Any]
    model: ModelSettings
    trainer: TrainerSettings
    tuning: TuningSettings
    tracker: TrackerSettings
    report: ReportSettings
    sweep: SweepSettings | None = None
    cluster: Annotated[SlurmSettings | RaySettings, Field(discriminator="kind")] | None = None
    seeds: Annotated[tuple[int, ...], BeforeValidator(_seeds)]
    engine: limits.Engine
    device: limits.Device
    dtype: limits.Dtype
    name: Annotated[str, Field(pattern=r"^\w[\w.+-]*$", max_length=LONGEST_NAME)]
    output_dir: Annotated[str, Field(min_length=1), AfterValidator(_at_home)]
    workers: Annotated[int, BeforeValidator(_workers)]
    condition_seconds: Seconds
    retrain: bool
    dry_run: bool
    plan: PlanFile
