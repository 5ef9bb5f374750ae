"""Write what a sweep trains into a file, and read it on a machine that has little but torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import NO_TRACKER, Sweep
from rnnbench.store import rules
from rnnbench.store.files import parse_json, read_file, write_atomically
from rnnbench.store.seals import KEY, check_line, seal_line
from rnnbench.training.recipe import make_recipe

FORMAT = 1
PLAN: rules.Rules = {
    "format": rules.whole(1),
    "sweep": rules.NAME,
    "command": rules.TEXT,
    "jobs": rules.LIST,
    "condition_seconds": rules.ABOVE_0.or_none,
}
RETRAIN: rules.Rules = {"retrain": rules.TRUTH}  # where it is true
JOB: rules.Rules = {"condition_id": rules.IDENTITY, "config": rules.SECTION, "replicas": rules.LIST}
NO_RATE = rules.Rule("null", lambda value: value is None)  # tuning chooses it


def write_plan(path: Path, sweep: Sweep) -> None:
    """Write everything that a sweep trains, whether it is stored already or not."""
    plan = {
        "format": FORMAT,
        "sweep": sweep.name,
        "command": sweep.command,
        "condition_seconds": sweep.condition_seconds,
        "jobs": [_describe(condition, replicas) for condition, replicas in sweep.jobs],
        **({"retrain": True} if sweep.retrain else {}),
    }
    text = json.dumps(plan, separators=(",", ":"), allow_nan=False)
    write_atomically(path, seal_line(text).encode() + b"\n")


def read_plan(path: Path, output_dir: Path, workers: int) -> Sweep:
    """Return the sweep of a plan file, not mirrored anywhere.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no plan, not as it was written, or of other versions of the suite's
            parts than are here; the text is one line.
    """
    plan = _parse(read_file(path))
    return Sweep(
        name=plan["sweep"],
        output_dir=output_dir,
        workers=workers,
        dry_run=False,
        tracker=NO_TRACKER,
        jobs=tuple(map(_job, plan["jobs"])),
        condition_seconds=plan["condition_seconds"],
        command=plan["command"],
        retrain=plan.get("retrain", False),
    )


def _describe(condition: Condition, replicas: tuple[Replica, ...]) -> dict[str, Any]:
    rates = [[r.seed, None if condition.tuned else r.lr] for r in replicas]
    identity = condition.condition_id
    return {"condition_id": identity, "config": condition.settings, "replicas": rates}


def _parse(content: bytes) -> dict[str, Any]:
    plan = parse_json(content)
    found = plan.get("format") if isinstance(plan, dict) else None
    if found != FORMAT:
        raise ValueError(f"a plan must have format {FORMAT}, got {rules.shown(found)}")
    check_line(content.decode())
    fields: dict[str, Any] = {key: value for key, value in plan.items() if key != KEY}
    rules.check_fields(fields, PLAN, RETRAIN, "a plan")
    return fields


def _job(job: Any) -> tuple[Condition, tuple[Replica, ...]]:
    rules.check_fields(job, JOB, {}, "a plan's job")
    condition = Condition.from_settings(job["config"], trusted=False, what="a plan")
    try:
        make_recipe(condition, condition.engine, condition.device)
    except TypeError as error:  # a setting that is lacking
        raise ValueError(f"a plan's config must be a training's: {error}") from error
    if condition.condition_id != job["condition_id"]:
        raise ValueError(
            f"{condition.name} was planned with other versions of task, cell, model or trainer"
        )
    return condition, tuple(dict.fromkeys(_replica(r, condition.tuned) for r in job["replicas"]))


def _replica(pair: Any, tuned: bool) -> Replica:
    if rules.replica(rate=NO_RATE if tuned else rules.ABOVE_0).holds(pair):
        return Replica(*pair)
    rule = "a seed and null, as the rate is tuned" if tuned else "a seed and a learning rate"
    raise ValueError(f"a plan's replica must be {rule}, got {rules.shown(pair)}")
