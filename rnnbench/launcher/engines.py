"""The choices of engines that are remembered beside the results, as data from anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from rnnbench.console import message_of, warn
from rnnbench.experiment.condition import condition_of, digest, is_buildable
from rnnbench.launcher.plan import Job, Remaining
from rnnbench.store.files import parse_json, read_file, write_atomically
from rnnbench.store.records import FINISHED, Store
from rnnbench.store.rules import AT_LEAST_0, Rule, Rules, is_text

FILE = "engines.json"
# In this order, the first that is nearly the fastest: a close race is not decided by noise.
PREFERENCE = ("compiled", "reference", "torch")
Choice = dict[str, Any]


def _of_engines(rule: Rule) -> Rule:
    """Return the rule of objects that have something for some of the engines."""
    return Rule(
        f"for some engines {rule.words}",
        lambda found: (
            isinstance(found, dict)
            and found.keys() <= set(PREFERENCE)
            and all(map(rule.holds, found.values()))
        ),
    )


ENGINE = Rule(f"one of {', '.join(PREFERENCE)}", lambda value: value in PREFERENCE)
REASON = Rule("a printable text", lambda value: is_text(value) and value.isprintable())
CHOICE: Rules = {
    "engine": ENGINE,
    "seconds_per_step": _of_engines(AT_LEAST_0),
    "lacking": _of_engines(REASON),
}


def read_choices(path: Path) -> dict[str, Choice]:
    """Return the remembered choices; none where there is no file, or one that says no such thing.

    That one is named.
    """
    try:
        found = parse_json(read_file(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        found = None
    pairs = found.items() if isinstance(found, dict) else ()
    choices = {key: choice for key, choice in pairs if _is_choice(choice)}
    if not isinstance(found, dict) or len(choices) < len(found):
        warn(f"{path} is passed over: no choice of engines")
    return choices


def _is_choice(choice: Any) -> bool:
    return isinstance(choice, dict) and all(
        rule.holds(choice.get(name)) for name, rule in CHOICE.items()
    )


AUTO = "auto"
MARGIN = 1.2
STARTS = ("init", "keep_bias")
Say = Callable[[str], None]
# Runs `time_engines` on jobs, and tells how it went as `rnnbench.launcher.backends.pool.run` does.
Run = Callable[[Sequence[Job], Callable[[int, str, Any], None]], None]


def resolve_engines(plan: Remaining, say: Say, run: Run) -> Remaining:
    """Return the plan with an engine in place of every `auto`.

    Later starts in the same directory take the choice of the first, or else what its stored runs
    were trained on; a dry run remembers nothing.

    Args:
        plan: its jobs hold the engines as configured.
        say: takes a line for each choice.
        run: where to time; a worker process, as a user's own cell may bring it down.
    """
    directory = plan.sweep.output_dir
    path = (directory.parent if plan.sweep.is_tuning else directory) / FILE
    known = read_choices(path)
    jobs: dict[str, Job] = {}
    for job in _shortest_first(plan.jobs):
        if job["engine"] == AUTO:
            jobs.setdefault(_key(job), job)
    if jobs.keys() - known:
        known = _stored(directory) | known
    choices = {key: known[key] for key, job in jobs.items() if _usable(known.get(key), job)}
    timed = _time({key: job for key, job in jobs.items() if key not in choices}, run)
    sure = {key: choice for key, choice in timed.items() if choice["seconds_per_step"]}
    if sure and not plan.sweep.dry_run:
        text = json.dumps(known | sure, indent=1, sort_keys=True)
        write_atomically(path, text.encode())
    choices |= timed
    for key, job in jobs.items():
        say(_describe(job, choices[key]))
    return replace(plan, jobs=tuple(_with_engine(job, choices) for job in plan.jobs))


def _with_engine(job: Job, choices: Mapping[str, Choice]) -> Job:
    return {**job, "engine": choices[_key(job)]["engine"]} if job["engine"] == AUTO else job


def _time(jobs: Mapping[str, Job], run: Run) -> dict[str, Choice]:
    """Choose for each job; the reference engine where the timing itself fails."""
    choices = {key: _choice({}, {}) for key in jobs}
    keys = list(jobs)

    def notify(index: int, kind: str, value: Any) -> None:
        if kind == "done":
            choices[keys[index]] = value
        elif kind in ("error", "died"):
            choices[keys[index]] = _choice({}, {"compiled": value})

    if jobs:
        run(list(jobs.values()), notify)
    return choices


def time_engines(job: Job, progress: Callable[[Any], None], stop: Event) -> Choice:
    """Time a few training steps on every engine that can run the job."""
    from rnnbench.launcher.worker import seconds_per_step

    seconds: dict[str, float] = {}
    lacking: dict[str, str] = {}
    for name in PREFERENCE:
        reason = _reason_against(name, job)
        if reason is None:
            count = len(job["replicas"])
            seconds[name] = seconds_per_step(job["condition"], count, name, job["device"])
        else:
            lacking[name] = reason
    return _choice(seconds, lacking)


def _choice(seconds: Mapping[str, float], lacking: Mapping[str, str]) -> Choice:
    best = min(seconds.values(), default=0.0)
    engine = next((name for name in seconds if seconds[name] <= MARGIN * best), "reference")
    return {"engine": engine, "seconds_per_step": dict(seconds), "lacking": dict(lacking)}


def _shortest_first(jobs: tuple[Job, ...]) -> list[Job]:
    """Order jobs by length: a few steps of the shortest are timed for all of their kind."""
    return sorted(jobs, key=lambda job: job["condition"].build_task().sequence_length)


def _key(job: Job) -> str:
    """Return what the choice depends on: the cell, the shape but for its length, the device.

    How a cell starts makes no difference to its speed.
    """
    condition = job["condition"]
    cell = {key: value for key, value in condition.cell.items() if key not in STARTS}
    shape = {**condition.model, "batch_size": condition.trainer["batch_size"]}
    return digest([cell, shape, condition.dtype, job["device"]])


def _reason_against(name: str, job: Job) -> str | None:
    """Return why an engine cannot run a job, or None if it can."""
    from rnnbench.engine import check_engine

    try:
        check_engine(name, job["condition"].build_cell(), job["device"])
    except ValueError as error:
        return message_of(error)
    return None


def _usable(choice: Choice | None, job: Job) -> bool:
    """Return whether a remembered choice is one whose engine is still to be had."""
    return choice is not None and _reason_against(choice["engine"], job) is None


def _describe(job: Job, choice: Choice) -> str:
    times = sorted(choice["seconds_per_step"].items(), key=lambda item: item[1])
    shown = ", ".join(f"{name} {1e3 * seconds:.2g} ms" for name, seconds in times)
    line = f"engine {choice['engine']} for {job['condition'].cell['name']}"
    line += f" ({shown} a step)" if shown else ""
    lacking = choice["lacking"].get("compiled")
    return f"{line}; not compiled: {lacking}" if lacking else line


def _stored(directory: Path) -> dict[str, Choice]:
    """Return what runs of a directory were trained on where `auto` was asked for."""
    choices = {}
    for record in Store(directory).runs().values() if directory.exists() else ():
        asked = record.get("config", {}).get("engine")
        trained = record["status"] in FINISHED and ENGINE.holds(record["engine"])
        if trained and asked == AUTO and is_buildable(record):
            job = {"condition": condition_of(record), "device": record["device"]}
            choices[_key(job)] = {**_choice({}, {}), "engine": record["engine"]}
    return choices
