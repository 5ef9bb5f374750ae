"""Show a sweep's plan in a dry run, with its time estimated from a few training steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from rnnbench.console import count, duration
from rnnbench.experiment.sweep import Job
from rnnbench.launcher.plan import Remaining, trained_time_steps
from rnnbench.store.settings import digest


def describe_plan(remaining: Remaining) -> str:
    """Return the plan as a table: each condition, what is stored, what is left, and how long."""
    identities = [job.condition.condition_id for job in remaining.jobs]
    seconds = dict(zip(identities, estimate_seconds(remaining), strict=True))
    to_do = {job.condition.condition_id: len(job.replicas) for job in remaining.jobs}
    names = remaining.sweep.names
    width = max(map(len, names.values()), default=0)
    lines = [f"{'condition':<{width}}  {'T':>5} {'steps':>7} {'stored':>7} {'to do':>6}  about"]
    for condition, replicas in remaining.sweep.jobs:
        stored = sum(condition.run_id(replica) in remaining.finished for replica in replicas)
        identity = condition.condition_id
        lines.append(
            f"{names[identity]:<{width}}  {condition.build_task().sequence_length:>5} "
            f"{condition.trainer['steps']:>7} {stored:>7} {to_do.get(identity, 0):>6}  "
            f"{duration(seconds.get(identity, 0.0))}"
        )
    return "\n".join([*lines, "", _total(remaining, list(seconds.values()))])


def estimate_seconds(remaining: Remaining) -> list[float]:
    """Estimate each job's training time in seconds.

    Jobs that differ in the gap alone, or in how it varies in training, are measured together, on
    the one in the middle: a training step takes time in proportion to the sequence length. It is
    an upper bound as far as replicas that are solved leave early.
    """
    from rnnbench.launcher.worker import seconds_per_step
    from rnnbench.training.machine import prepare_process

    prepare_process()
    groups: dict[Hashable, list[Job]] = defaultdict(list)
    for job in remaining.jobs:
        groups[_group_key(job)].append(job)
    seconds_per_time_step = {}
    for key, jobs in groups.items():
        middle = sorted(jobs, key=_sequence_length)[len(jobs) // 2]
        seconds = seconds_per_step(middle, middle.engine)
        seconds_per_time_step[key] = seconds / _sequence_length(middle)
    return [
        seconds_per_time_step[_group_key(job)] * trained_time_steps(job.condition)
        for job in remaining.jobs
    ]


def _total(remaining: Remaining, seconds: list[float]) -> str:
    conditions, workers = len(remaining.jobs), remaining.workers
    if not conditions:
        return "nothing is left to do"
    replicas = sum(len(job.replicas) for job in remaining.jobs)
    longest = duration(max(*seconds, sum(seconds) / remaining.at_once))
    return (
        f"{count(conditions, 'condition')} with {count(replicas, 'replica')} "
        f"{'is' if conditions == 1 else 'are'} to do, about {longest} on "
        f"{count(workers, 'process')}, less where tasks are solved early"
    )


def _group_key(job: Job) -> Hashable:
    settings = job.condition.settings
    for key in ("gap", "gap_schedule"):
        settings["task"].pop(key, None)
    return digest(settings), len(job.replicas)


def _sequence_length(job: Job) -> int:
    return int(job.condition.build_task().sequence_length)
