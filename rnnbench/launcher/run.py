"""Launch sweeps: skip what is stored, train the rest, show how far it is, sum up."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnnbench.console import ExitCode, describe, say
from rnnbench.experiment.sweep import NO_TRACKER, Sweep
from rnnbench.launcher.backends import Assignment, CannotRun, Runner
from rnnbench.launcher.backends.pool import run_here, run_in_workers
from rnnbench.launcher.closing import close
from rnnbench.launcher.edited import (
    describe_replacing,
    forget_measured,
    read_current,
    remove_replaced,
)
from rnnbench.launcher.engines import time_engines
from rnnbench.launcher.interrupt import Interrupt, Terminated, raise_again, terminable
from rnnbench.launcher.plan import Remaining, find_remaining, share_gpus, with_engines
from rnnbench.launcher.progress import make_display
from rnnbench.launcher.tuning import (
    choice_warnings,
    plan_tuning,
    remove_replaced_tuning,
    store_choices,
    tuning_budget,
    with_told_rates,
    with_untuned_rates,
)
from rnnbench.launcher.twins import store_twins
from rnnbench.launcher.watch import Watch
from rnnbench.store.files import LeadsOut, check_links
from rnnbench.store.manifest import add_to_manifest
from rnnbench.store.records import NewerRecord

# What goes by, as a full disk or a server that is away; a path that may not be written does not.
HEALING = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.ENFILE, errno.EMFILE),
    *(errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN),
    *(errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.ECONNRESET),
}
STOPPING = "rnnbench: stopping once all work is put away (Ctrl-C again: at once)"


def launch(sweeps: Sequence[Sweep], runner: Runner = run_in_workers) -> int:
    """Run sweeps in worker processes or as `runner` does, one sweep after the other.

    Returns:
        The exit code: 0 if every replica has a result, 1 if some have not, 2 if a sweep cannot
        run here, 130 or 143 after an interrupt.
    """
    try:
        with terminable():
            return _launch_each(sweeps, runner, patient=True)
    except (CannotRun, NewerRecord) as error:
        say(f"error: {error}")
        return ExitCode.CANNOT_RUN
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        heals = ": the same command continues" if error.errno in HEALING else ""
        say(f"error: {place}{error.strerror or error}{heals}")
        return ExitCode.NOT_ALL
    except KeyboardInterrupt as stopped:
        say("stopped: the same command continues")
        is_terminated = isinstance(stopped, Terminated)
        return ExitCode.TERMINATED if is_terminated else ExitCode.INTERRUPTED


def launch_here(sweep: Sweep) -> None:
    """Run a sweep in this process, for notebooks; what ends or spoils it is raised.

    What is finished is stored, and the same call continues.

    Raises:
        CannotRun: it cannot run here; nothing was trained.
        KeyboardInterrupt: Ctrl-C or SIGTERM came, and the work is put away.
        Exception: what the first job that failed has raised, once the others are done.
    """
    raised: list[Exception] = []

    def runner(given: Assignment) -> None:
        errors = run_here(given)
        if given.work is not time_engines:  # an engine that fails there is not chosen
            raised.extend(errors)

    code = _launch_each([sweep], runner, patient=False)
    if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        raise_again(code)
    if raised:
        raise raised[0]
    if code != ExitCode.DONE:
        raise RuntimeError(f"{sweep.name}: not all could be done; what failed is told above")


def _launch_each(sweeps: Sequence[Sweep], runner: Runner, *, patient: bool) -> int:
    codes = []
    for sweep, tuning, training in _prepare(sweeps):
        interrupt = Interrupt(patient=patient)
        if sweep.dry_run:
            codes.append(_show(sweep, tuning, training))
        else:
            codes.append(_run(sweep, tuning, training, _runner_of(sweep, runner), interrupt))
        if interrupt.exit_code is not None:
            return interrupt.exit_code
    return max(codes, default=0)


def _prepare(sweeps: Sequence[Sweep]) -> list[tuple[Sweep, Remaining, Remaining]]:
    """Find what is left to tune and to train of all sweeps, and only then make directories.

    Raises:
        CannotRun: one cannot run here.
    """
    found = []
    try:
        for sweep in sweeps:
            _runner_of(sweep, run_here)  # a cluster is to be had
            check_links(sweep.output_dir)
            sweep = with_told_rates(sweep)
            tuning, settled = plan_tuning(sweep)
            if sweep.dry_run:
                settled = with_untuned_rates(settled)
            found.append((sweep, find_remaining(tuning), find_remaining(settled)))
    except (ValueError, LeadsOut) as error:
        raise CannotRun(str(error)) from error
    try:
        for sweep in sweeps:
            if not sweep.dry_run:
                sweep.output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = f"{error.filename} ({error.strerror})"
        raise CannotRun(f"output_dir must be a directory to write to, got {place}") from error
    for remaining in (each for _, *both in found for each in both):
        if remaining.edited:
            say(describe_replacing(remaining.sweep, remaining.edited))
    return found


def _runner_of(sweep: Sweep, local: Runner) -> Runner:
    """Return what runs a sweep's jobs: its cluster, or this machine."""
    if sweep.cluster is None:
        return local
    if sweep.cluster["kind"] == "slurm":
        from rnnbench.launcher.backends.slurm import runner_of
    else:
        from rnnbench.launcher.backends.ray import runner_of
    return runner_of(sweep.cluster)


def _show(sweep: Sweep, tuning: Remaining, training: Remaining) -> int:
    """Print what a sweep would do, and what it would cost."""
    from rnnbench.launcher.estimate import describe_plan

    if sweep.plan_file is not None:
        from rnnbench.launcher.plan_file import write_plan

        write_plan(sweep.plan_file, sweep)
        say(f"plan: {sweep.plan_file}")
    try:
        if tuning.jobs:
            tuning = with_engines(tuning, run_here, Interrupt())
            begun = f"Tuning, to begin with {tuning_budget(tuning.sweep)}"
            print(f"{begun}:\n{describe_plan(tuning)}\n\nTraining:")
        print(describe_plan(with_engines(training, run_here, Interrupt())))
    except Exception as error:  # whatever a user's own task or cell raises in its first steps
        say(f"the plan cannot be measured: {describe(error)}")
        return ExitCode.NOT_ALL
    return ExitCode.DONE


def _run(
    sweep: Sweep, tuning: Remaining, training: Remaining, runner: Runner, interrupt: Interrupt
) -> int:
    """Choose the learning rates that are left to tuning, train what is left, and sum up."""
    add_to_manifest(sweep.output_dir, sweep.name, sweep.asked)
    forget_measured(sweep, training.edited)
    training, errors = _tune(sweep, tuning, training, runner, interrupt)
    store_choices(sweep.choices, training.sweep)
    remaining = with_engines(training, runner, interrupt)
    tracker = _tracker_of(remaining, interrupt)
    errors |= _train(remaining, tracker, runner, interrupt)
    store_twins(remaining.sweep, remaining.twins, tracker)
    remove_replaced(remaining.sweep, remaining.edited)
    return close(remaining, errors, tracker, stopped=interrupt.exit_code is not None)


def _tune(
    sweep: Sweep, tuning: Remaining, training: Remaining, runner: Runner, interrupt: Interrupt
) -> tuple[Remaining, dict[str, str]]:
    """Train what tuning asks for until each rate is chosen or has failed.

    Args:
        sweep: with the choices that stored runs tell, complete or not.

    Returns:
        What is left to train with these rates, and the errors by condition id.
    """
    errors: dict[str, str] = {}
    settled, edited = training.sweep, tuning.edited
    while tuning.jobs and interrupt.exit_code is None:
        before = len(tuning.records)
        errors |= _train(with_engines(tuning, runner, interrupt), NO_TRACKER, runner, interrupt)
        records, _ = read_current(tuning.sweep)
        if len(records) == before:
            break  # the rest failed
        following, settled = plan_tuning(sweep, records)
        jobs = tuple(job for job in following.jobs if job[0].condition_id not in errors)
        tuning = find_remaining(replace(following, jobs=jobs))
    if settled is training.sweep:
        return training, errors
    if edited:
        remove_replaced_tuning(settled)
    for line in choice_warnings(settled):
        say(line)
    return find_remaining(settled), errors


def _tracker_of(remaining: Remaining, interrupt: Interrupt) -> Mapping[str, Any]:
    """Ask once for all workers whether W&B can be reached."""
    tracker = remaining.sweep.tracker
    idle = not (remaining.jobs or remaining.twins) or interrupt.exit_code is not None
    if idle or tracker["kind"] == "none":
        return NO_TRACKER
    from rnnbench.tracker import prepare

    return prepare(tracker, remaining.sweep.output_dir) or NO_TRACKER


def _train(
    remaining: Remaining, tracker: Mapping[str, Any], runner: Runner, interrupt: Interrupt
) -> dict[str, str]:
    """Run all jobs that are left; return the errors of those that failed, by condition id."""
    if not remaining.jobs or interrupt.exit_code is not None:
        return {}
    from rnnbench.launcher.worker import run_job

    if runner is run_in_workers:  # others have no processes that share a GPU, or none here
        remaining = share_gpus(remaining, interrupt)
    sweep = remaining.sweep
    if sweep.is_tuning:
        add_to_manifest(sweep.output_dir, sweep.name, sweep.asked)
    jobs = [replace(job, tracker=tracker) for job in remaining.jobs]
    names = [sweep.names[job.condition.condition_id] for job in jobs]
    display = make_display(sys.stderr, names, remaining.costs, remaining.skipped)
    watch = Watch(jobs, display)
    assignment = Assignment(
        work=run_job,
        jobs=jobs,
        notify=watch.notify,
        interrupt=interrupt,
        workers=remaining.workers,
        gpus=remaining.gpus,
        seconds=sweep.condition_seconds,
        stopping=partial(display.say, STOPPING),
    )
    with display, interrupt:
        what = f"to tune ({tuning_budget(sweep)})" if sweep.is_tuning else "to train"
        display.say(f"rnnbench: {sweep.name}: conditions {what}: {len(jobs)}")
        watch.run(runner, assignment)
    return watch.errors
