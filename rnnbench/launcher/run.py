"""Launch sweeps: skip what is stored, train the rest, show how far it is, sum up."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnnbench.console import ExitCode, describe, say
from rnnbench.experiment.condition import NO_TRACKER, Sweep
from rnnbench.experiment.tuning import (
    choice_warnings,
    tuning_budget,
    tuning_sweep,
    with_chosen_rates,
    with_untuned_rates,
)
from rnnbench.launcher.backends import Assignment, CannotRun, Runner
from rnnbench.launcher.backends.pool import run_here, run_in_workers
from rnnbench.launcher.closing import close
from rnnbench.launcher.interrupt import Interrupt, Terminated, terminable
from rnnbench.launcher.plan import Remaining, device_of, plan
from rnnbench.launcher.progress import make_display
from rnnbench.launcher.watch import Watch
from rnnbench.store.files import LeadsOut, check_links
from rnnbench.store.manifest import add_to_manifest
from rnnbench.store.records import NewerRecord

STOPPING = "rnnbench: stopping once all work is put away (Ctrl-C again: at once)"


def launch(
    sweeps: Sequence[Sweep], runner: Runner = run_in_workers, *, patient: bool = True
) -> int:
    """Run sweeps in worker processes or as `runner` does, one sweep after the other.

    Returns:
        The exit code: 0 if every replica has a result, 1 if some have not, 2 if a sweep cannot
        run here, 130 or 143 after an interrupt.
    """
    try:
        with terminable():
            return _launch_each(sweeps, runner, patient)
    except (CannotRun, NewerRecord) as error:
        say(f"error: {error}")
        return ExitCode.CANNOT_RUN
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"error: {place}{error.strerror or error}: the same command continues")
        return ExitCode.NOT_ALL
    except KeyboardInterrupt as stopped:
        say("stopped: the same command continues")
        is_terminated = isinstance(stopped, Terminated)
        return ExitCode.TERMINATED if is_terminated else ExitCode.INTERRUPTED


def launch_here(sweep: Sweep) -> int:
    """Run a sweep in this process, for notebooks; otherwise as `launch`."""
    return launch([sweep], run_here, patient=False)


def _launch_each(sweeps: Sequence[Sweep], runner: Runner, patient: bool) -> int:
    _check(sweeps)
    codes = []
    for sweep in sweeps:
        interrupt = Interrupt(patient=patient)
        run = _runner_of(sweep, runner)
        codes.append(_show(sweep) if sweep.dry_run else _run(sweep, run, interrupt))
        if interrupt.exit_code is not None:
            return interrupt.exit_code
    return max(codes, default=0)


def _check(sweeps: Sequence[Sweep]) -> None:
    """Check that all sweeps can run here, and only then make their directories.

    Raises:
        CannotRun: one cannot.
    """
    try:
        for sweep in sweeps:
            _runner_of(sweep, run_here)  # a cluster is to be had
            check_links(sweep.output_dir)
            for condition, _ in sweep.jobs:
                device_of(sweep, condition)
    except (ValueError, LeadsOut) as error:
        raise CannotRun(str(error)) from error
    try:
        for sweep in sweeps:
            if not sweep.dry_run:
                sweep.output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = f"{error.filename} ({error.strerror})"
        raise CannotRun(f"output_dir must be a directory to write to, got {place}") from error


def _runner_of(sweep: Sweep, local: Runner) -> Runner:
    """Return what runs a sweep's jobs: its cluster, or this machine."""
    if sweep.cluster is None:
        return local
    if sweep.cluster["kind"] == "slurm":
        from rnnbench.launcher.backends.slurm import runner_of
    else:
        from rnnbench.launcher.backends.ray import runner_of
    return runner_of(sweep.cluster)


def _show(sweep: Sweep) -> int:
    """Print what a sweep would do, and what it would cost."""
    from rnnbench.launcher.estimate import describe_plan

    if sweep.plan_file is not None:
        from rnnbench.launcher.plan_file import write_plan

        write_plan(sweep.plan_file, sweep)
        say(f"plan: {sweep.plan_file}")
    try:
        tuning = plan(tuning_sweep(sweep), run_here, Interrupt())
        settled = with_chosen_rates(sweep, tuning.records)
        if tuning.jobs:
            print(f"Tuning ({tuning_budget()}):\n{describe_plan(tuning)}\n\nTraining:")
            settled = with_untuned_rates(settled)
        print(describe_plan(plan(settled, run_here, Interrupt())))
    except NewerRecord:
        raise
    except Exception as error:  # whatever a user's own task or cell raises in its first steps
        say(f"the plan cannot be measured: {describe(error)}")
        return ExitCode.NOT_ALL
    return ExitCode.DONE


def _run(sweep: Sweep, runner: Runner, interrupt: Interrupt) -> int:
    """Choose the learning rates that are left to tuning, train what is left, and sum up."""
    add_to_manifest(sweep.output_dir, sweep.name, sweep.asked)
    tuning = plan(tuning_sweep(sweep), runner, interrupt)
    errors = _train(tuning, NO_TRACKER, runner, interrupt)
    settled = with_chosen_rates(sweep, None if tuning.jobs else tuning.records)
    for line in choice_warnings(settled) if tuning.jobs else ():
        say(line)
    remaining = plan(settled, runner, interrupt)
    tracker = _tracker_of(remaining, interrupt)
    errors |= _train(remaining, tracker, runner, interrupt)
    return close(remaining, errors, tracker, stopped=interrupt.exit_code is not None)


def _tracker_of(remaining: Remaining, interrupt: Interrupt) -> Mapping[str, Any]:
    """Ask once for all workers whether W&B can be reached."""
    tracker = remaining.sweep.tracker
    idle = not remaining.jobs or interrupt.exit_code is not None
    if idle or tracker["kind"] == "none":
        return NO_TRACKER
    from rnnbench.tracker import prepare

    mode = prepare(tracker, remaining.sweep.output_dir)
    return NO_TRACKER if mode == "none" else {**tracker, "mode": mode}


def _train(
    remaining: Remaining, tracker: Mapping[str, Any], runner: Runner, interrupt: Interrupt
) -> dict[str, str]:
    """Run all jobs that are left; return the errors of those that failed, by condition id."""
    if not remaining.jobs or interrupt.exit_code is not None:
        return {}
    from rnnbench.launcher.worker import run_job

    sweep = remaining.sweep
    if sweep.is_tuning:
        add_to_manifest(sweep.output_dir, sweep.name, sweep.asked)
    jobs = [replace(job, tracker=tracker) for job in remaining.jobs]
    names = [job.condition.name for job in jobs]
    display = make_display(sys.stderr, names, remaining.costs, remaining.skipped)
    watch = Watch(jobs, display)
    assignment = Assignment(
        work=run_job,
        jobs=jobs,
        notify=watch.notify,
        interrupt=interrupt,
        workers=remaining.workers,
        seconds=sweep.condition_seconds,
        stopping=partial(display.say, STOPPING),
    )
    with display, interrupt:
        what = f"to tune ({tuning_budget()})" if sweep.is_tuning else "to train"
        display.say(f"rnnbench: {sweep.name}: conditions {what}: {len(jobs)}")
        watch.run(runner, assignment)
    return watch.errors
