"""What runs a sweep: skip what is stored, train the rest, show how far it is, sum up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TextIO

from rnnbench.console import describe, say
from rnnbench.experiment.condition import Sweep
from rnnbench.experiment.tuning import (
    describe_choices,
    tuning_budget,
    tuning_sweep,
    with_chosen_rates,
    with_untuned_rates,
)
from rnnbench.launcher.backends import CannotRun, Runner, pool
from rnnbench.launcher.backends.local import run_here, run_in_workers
from rnnbench.launcher.closing import close, format_closing, say_where, sum_up
from rnnbench.launcher.engines import resolve_engines, time_engines
from rnnbench.launcher.interrupt import Interrupt, Terminated, terminable
from rnnbench.launcher.plan import Job, Remaining, find_remaining
from rnnbench.launcher.progress import Display, PlainLines
from rnnbench.launcher.watch import Watch, run_shared
from rnnbench.store.files import LeadsOut, check_links
from rnnbench.store.manifest import add_to_manifest
from rnnbench.store.records import NewerRecord, stored_records

CANNOT_RUN = 2
INTERRUPTED, TERMINATED = 130, 143
STOPPING = "rnnbench: stopping once all work is put away (Ctrl-C again: at once)"


def launch(sweeps: Sequence[Sweep]) -> int:
    """Run sweeps in worker processes, one sweep after the other.

    Returns:
        The exit code: 0 if every replica has a result, 1 if some have not, 2 if a sweep cannot
        run here, 130 or 143 after an interrupt.
    """
    return _launch(sweeps, run_in_workers, Interrupt)


def launch_here(sweep: Sweep) -> int:
    """Run a sweep in this process, for notebooks; otherwise as `launch`."""
    return _launch([sweep], run_here, partial(Interrupt, patient=False))


def _launch(
    sweeps: Sequence[Sweep], runner: Runner, make_interrupt: Callable[[], Interrupt]
) -> int:
    try:
        with terminable():
            return _launch_each(sweeps, runner, make_interrupt)
    except (CannotRun, NewerRecord) as error:
        say(f"error: {error}")
        return CANNOT_RUN
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"error: {place}{error.strerror or error}: the same command continues")
        return 1
    except KeyboardInterrupt as stopped:
        say("stopped: the same command continues")
        return TERMINATED if isinstance(stopped, Terminated) else INTERRUPTED


def _launch_each(
    sweeps: Sequence[Sweep], runner: Runner, make_interrupt: Callable[[], Interrupt]
) -> int:
    plans = _prepare(sweeps)
    codes = []
    for plan in plans:
        interrupt = make_interrupt()
        run = _runner(plan.sweep, runner)
        codes.append(_show(plan) if plan.sweep.dry_run else _run(plan, run, interrupt))
        if interrupt.exit_code is not None:
            return interrupt.exit_code
    return max(codes, default=0)


def _prepare(sweeps: Sequence[Sweep]) -> list[Remaining]:
    """Remaining all sweeps, and only then make their directories."""
    for sweep in sweeps:
        _runner(sweep, run_here)  # a cluster is to be had
    try:
        for sweep in sweeps:
            check_links(sweep.output_dir)
        plans = [find_remaining(with_chosen_rates(sweep)) for sweep in sweeps]
    except (ValueError, LeadsOut) as error:
        raise CannotRun(str(error)) from error
    try:
        for plan in plans:
            if not plan.sweep.dry_run:
                plan.sweep.output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = f"{error.filename} ({error.strerror})"
        raise CannotRun(f"output_dir must be a directory to write to, got {place}") from error
    return plans


def _runner(sweep: Sweep, local: Runner) -> Runner:
    """Return what runs a sweep's jobs: its cluster, or this machine."""
    if sweep.cluster is None:
        return local
    if sweep.cluster["kind"] == "slurm":
        from rnnbench.launcher.backends.slurm import SlurmRunner

        return SlurmRunner(sweep.cluster)
    from rnnbench.launcher.backends.ray import RayRunner

    return RayRunner(sweep.cluster)


def _show(plan: Remaining) -> int:
    from rnnbench.launcher.estimate import describe_plan

    if plan.sweep.plan_file is not None:
        from rnnbench.launcher.plan_file import write_plan

        write_plan(plan.sweep.plan_file, plan.sweep)
        say(f"plan: {plan.sweep.plan_file}")

    def describe_costs(plan: Remaining) -> str:
        return describe_plan(_with_engines(plan, run_here, Interrupt()))

    try:
        tuning = find_remaining(tuning_sweep(plan.sweep))
        if tuning.jobs:
            print(f"Tuning ({tuning_budget()}):\n{describe_costs(tuning)}\n\nTraining:")
            plan = find_remaining(with_untuned_rates(plan.sweep))
        print(describe_costs(plan))
    except Exception as error:  # whatever a user's own task or cell raises in its first steps
        say(f"the plan cannot be measured: {describe(error)}")
        return 1
    return 0


def _run(plan: Remaining, runner: Runner, interrupt: Interrupt) -> int:
    mode = "none"
    _note(plan.sweep)
    plan, errors = _tune(plan, runner, interrupt)
    if plan.jobs and interrupt.exit_code is None:
        plan = _with_engines(plan, runner, interrupt)
        mode = _tracker_mode(plan)
        errors |= _train(plan, mode, runner, interrupt)
    closing = close(plan, stored_records(plan.sweep.output_dir), errors)
    stopped = interrupt.exit_code is not None
    page = None if stopped else sum_up(plan, mode)
    print(format_closing(closing))
    say_where(plan, page, closing, stopped=stopped)
    return 0 if closing.complete else 1


def _note(sweep: Sweep) -> None:
    add_to_manifest(sweep.output_dir, sweep.name, sweep.asked)


def _tune(
    plan: Remaining, runner: Runner, interrupt: Interrupt
) -> tuple[Remaining, dict[str, str]]:
    """Choose the rates that are left to tuning; return the plan with them, and what failed."""
    tuning = find_remaining(tuning_sweep(plan.sweep))
    if not tuning.jobs:
        return plan, {}
    _note(tuning.sweep)
    tuning = _with_engines(tuning, runner, interrupt)
    errors = _train(tuning, "none", runner, interrupt)
    settled = with_chosen_rates(plan.sweep)
    for line in describe_choices(settled):
        say(line)
    return find_remaining(settled), errors


def _with_engines(plan: Remaining, runner: Runner, interrupt: Interrupt) -> Remaining:
    """Put an engine in place of every `auto`."""

    def run(jobs: Sequence[Job], notify: pool.Notify) -> None:
        with interrupt:
            runner(time_engines, jobs, notify, interrupt, seconds=plan.sweep.condition_seconds)

    return resolve_engines(plan, say, run)


def _tracker_mode(plan: Remaining) -> str:
    """Ask once for all workers whether W&B can be reached."""
    if plan.sweep.tracker["kind"] == "none":
        return "none"
    from rnnbench.tracker import prepare

    return prepare(plan.sweep.tracker, plan.sweep.output_dir)


def _train(plan: Remaining, mode: str, runner: Runner, interrupt: Interrupt) -> dict[str, str]:
    """Run a plan's jobs; return the errors of those that failed, by condition id."""
    from rnnbench.launcher.worker import run_job

    tracker = {**plan.sweep.tracker, "mode": mode}
    if mode == "none":
        tracker["kind"] = "none"
    jobs = [{**job, "tracker": tracker} for job in plan.jobs]
    names = [job["condition"].name for job in jobs]
    progress = make_progress(sys.stderr, names, plan.costs, plan.skipped)
    watch = Watch(jobs, progress)
    with progress, interrupt:
        what = f"to tune ({tuning_budget()})" if plan.sweep.is_tuning else "to train"
        progress.say(f"rnnbench: {plan.sweep.name}: conditions {what}: {len(jobs)}")
        stopping = partial(progress.say, STOPPING)
        execute = partial(runner, seconds=plan.sweep.condition_seconds, stopping=stopping)

        def run(some: Sequence[Job], notify: pool.Notify) -> None:
            execute(run_job, some, notify, interrupt, workers=plan.workers)

        run_shared(watch, run, interrupt)
    return watch.errors


def make_progress(
    stream: TextIO, names: Sequence[str], costs: Sequence[float], skipped: int
) -> Display:
    """Return bars for a terminal that can move its cursor, and plain lines for anything else."""
    if stream.isatty() and os.environ.get("TERM") not in (None, "", "dumb", "unknown"):
        with suppress(ModuleNotFoundError):  # what draws them is not everywhere
            from rnnbench.launcher.bars import Bars

            return Bars(stream, names, costs, skipped)
    return PlainLines(stream, names, costs, skipped)
