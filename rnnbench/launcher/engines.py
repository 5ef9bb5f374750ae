"""Choose an engine for each cell where `auto` is asked for: time them once, and remember."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from rnnbench.console import message_of, say, warn
from rnnbench.experiment.condition import condition_of
from rnnbench.experiment.sweep import Job
from rnnbench.launcher.backends import ENDS
from rnnbench.launcher.trials import AUTO, check_here, check_usable
from rnnbench.store.files import read_json, write_atomically
from rnnbench.store.records import Record, is_finished
from rnnbench.store.rules import AT_LEAST_0, Rule, Rules, check_fields, is_text, one_of
from rnnbench.store.settings import digest

FILE = "engines.json"
# In this order, the first that is nearly the fastest: a close race is not decided by noise.
PREFERENCE = ("compiled", "triton", "reference", "torch")
MARGIN = 1.2
Choice = dict[str, Any]
# Runs `time_engines` on jobs, and notifies of their ends.
Run = Callable[[Sequence[Job], Callable[[int, str, Any], None]], None]


def _of_engines(rule: Rule) -> Rule:
    """Return the rule of objects that have something for some of the engines."""

    def holds(found: Any) -> bool:
        known = isinstance(found, dict) and found.keys() <= set(PREFERENCE)
        return known and all(map(rule.holds, found.values()))

    return Rule(f"for some engines {rule.words}", holds)


REASON = Rule("a printable text", lambda value: is_text(value) and value.isprintable())
CHOICE: Rules = {
    "engine": one_of(PREFERENCE),
    "seconds_per_step": _of_engines(AT_LEAST_0),
    "lacking": _of_engines(REASON),
}


def resolve_engines(
    jobs: Sequence[Job], path: Path, records: Mapping[str, Record], run: Run, *, remember: bool
) -> tuple[Job, ...]:
    """Return the jobs with an engine in place of every `auto`.

    Later starts in the same directory take the choice of the first, or else what its stored runs
    were trained on. Each cell is timed on its shortest job.

    Args:
        path: of the file with earlier choices.
        run: where to time; a worker process, as a user's own cell may bring it down.
        remember: write the choices to the file.
    """
    asked: dict[str, Job] = {}
    for job in sorted(jobs, key=lambda job: job.condition.build_task().sequence_length):
        if job.engine == AUTO:
            asked.setdefault(key_of(job), job)
    if not asked:
        return tuple(jobs)
    known = read_choices(path)
    if asked.keys() - known:
        known = _stored_choices(records) | known
    usable = {
        key: known[key]
        for key, job in asked.items()
        if key in known and _reason_against(check_here, known[key]["engine"], job) is None
    }
    timed = _time({key: job for key, job in asked.items() if key not in usable}, run)
    sure = {key: choice for key, choice in timed.items() if choice["seconds_per_step"]}
    if sure and remember:
        write_atomically(path, json.dumps(known | sure, indent=1, sort_keys=True).encode())
    choices = usable | timed
    for key, job in asked.items():
        say(_describe(job, choices[key]))
    new = [(asked[key], choice) for key, choice in timed.items()]
    for line in {it["lacking"][_fastest(job)] for job, it in new if _is_unproven(job, it)}:
        say(f"engine {line}")
    return tuple(
        replace(job, engine=choices[key_of(job)]["engine"]) if job.engine == AUTO else job
        for job in jobs
    )


def read_choices(path: Path) -> dict[str, Choice]:
    """Return the remembered choices; what is none in the file is named, and not used."""
    choices = {}
    for key, choice in (read_json(path, {}, "engines") or {}).items():
        try:
            check_fields(choice, CHOICE, {}, "a choice of engines")
            choices[key] = choice
        except ValueError as error:
            warn(f"{path} is passed over: {message_of(error)}")
    return choices


def _stored_choices(records: Mapping[str, Record]) -> dict[str, Choice]:
    """Return the engines of stored runs where `auto` was asked for."""
    choices = {}
    for record in records.values():
        asked = record.get("config", {}).get("engine")
        trained = is_finished(record) and record["engine"] in PREFERENCE
        if trained and asked == AUTO:
            with suppress(ValueError):  # of a condition that cannot be made here
                job = Job(condition_of(record), (), Path(), AUTO, record["device"])
                choices[key_of(job)] = {**_choice({}, {}), "engine": record["engine"]}
    return choices


def _time(jobs: Mapping[str, Job], run: Run) -> dict[str, Choice]:
    """Choose for each job; the reference engine where the timing itself fails."""
    choices = {key: _choice({}, {}) for key in jobs}
    keys = list(jobs)

    def notify(index: int, kind: str, value: Any) -> None:
        if kind in ENDS:
            fastest = _fastest(jobs[keys[index]])
            choices[keys[index]] = value if kind == "done" else _choice({}, {fastest: value})

    if jobs:
        run(list(jobs.values()), notify)
    return choices


def time_engines(job: Job, report: Callable[[Any], None], stop: Event) -> Choice:
    """Time a few training steps on every engine that can run the job."""
    from rnnbench.engine import ENGINES
    from rnnbench.launcher.worker import seconds_per_step

    known = [name for name in PREFERENCE if name in ENGINES]
    reasons = {name: _reason_against(check_usable, name, job) for name in known}
    seconds = {
        name: seconds_per_step(job, name) for name, reason in reasons.items() if reason is None
    }
    return _choice(seconds, {name: reason for name, reason in reasons.items() if reason})


def _choice(seconds: Mapping[str, float], lacking: Mapping[str, str]) -> Choice:
    best = min(seconds.values(), default=0.0)
    engine = next((name for name in seconds if seconds[name] <= MARGIN * best), "reference")
    return {"engine": engine, "seconds_per_step": dict(seconds), "lacking": dict(lacking)}


def key_of(job: Job) -> str:
    """Return what the choice depends on: the cell, the shape but for its length, the device."""
    from rnnbench.check.gate import STARTS

    settings = job.condition.settings
    cell = {key: value for key, value in settings["cell"].items() if key not in STARTS}
    shape = {**settings["model"], "batch_size": settings["trainer"]["batch_size"]}
    return digest([cell, shape, job.condition.dtype, job.device])


def _reason_against(check: Callable[[str, Job], None], name: str, job: Job) -> str | None:
    """Return why an engine cannot run a job, or None if it can."""
    try:
        check(name, job)
    except ValueError as error:
        return message_of(error)
    return None


def _fastest(job: Job) -> str:
    """Return the engine that is missed most where it is lacking."""
    return "compiled" if job.device == "cpu" else "triton"


def _is_unproven(job: Job, choice: Choice) -> bool:
    """Return whether an engine was left out as nobody has verified it on this GPU."""
    from rnnbench.check.verdicts import UNPROVEN

    name = _fastest(job)
    return bool(choice["lacking"].get(name) == f"{name} {UNPROVEN}")


def _describe(job: Job, choice: Choice) -> str:
    times = sorted(choice["seconds_per_step"].items(), key=lambda item: item[1])
    shown = ", ".join(f"{name} {1e3 * seconds:.2g} ms" for name, seconds in times)
    line = f"engine {choice['engine']} for {job.condition.cell['name']}"
    line += f" ({shown} a step)" if shown else ""
    fastest = _fastest(job)
    lacking = choice["lacking"].get(fastest)
    if lacking is None or _is_unproven(job, choice):
        return line
    own = lacking.startswith(f"{fastest} ")  # what a trial has found
    return f"{line}: {lacking}" if own else f"{line}; not {fastest}: {lacking}"
