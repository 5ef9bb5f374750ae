"""Find what a sweep still has to do, in which order, on which device and engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rnnbench.experiment.condition import Condition
from rnnbench.experiment.sweep import Job, Sweep
from rnnbench.launcher.backends import Assignment, Notify, Runner
from rnnbench.launcher.backends.pool import run_in_workers
from rnnbench.launcher.edited import EditedRun, read_current
from rnnbench.launcher.engines import FILE, PREFERENCE, resolve_engines, time_engines
from rnnbench.launcher.gpus import (
    COUNTS,
    SHARE_SECONDS,
    Part,
    choose_share,
    room_for,
    train_together,
)
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.trials import TRIAL_SECONDS, prove, try_engine
from rnnbench.launcher.twins import find_twins
from rnnbench.store.records import Record, Store, is_finished


@dataclass(frozen=True)
class Remaining:
    """What is left of a sweep.

    Attributes:
        sweep: the whole of it.
        jobs: conditions that are not finished, the costliest first.
        records: what was stored when this was planned, by run id.
        finished: run ids that need no training.
        twins: run ids of tuned runs that are stored once the same runs with a given rate are.
        edited: stored runs beside `records` that are trained again, being of other code.
        per_gpu: workers on each GPU at most.
    """

    sweep: Sweep
    jobs: tuple[Job, ...]
    records: Mapping[str, Record]
    finished: frozenset[str]
    twins: frozenset[str] = frozenset()
    edited: tuple[EditedRun, ...] = ()
    per_gpu: int = COUNTS[-1]

    @property
    def costs(self) -> list[float]:
        """Return how long each job is expected to take, in arbitrary units."""
        return list(map(cost_of, self.jobs))

    @property
    def skipped(self) -> int:
        """Return how many replicas were finished before."""
        replicas = sum(len(replicas) for _, replicas in self.sweep.jobs)
        return replicas - len(self.twins) - sum(len(job.replicas) for job in self.jobs)

    @property
    def workers(self) -> int:
        """Return how many processes are of use; a sweep's 0 is one per core, or what GPUs take."""
        asked, jobs = self.sweep.workers, len(self.jobs)
        if self.gpus and not asked:
            most = len(self.gpus) * min(self.per_gpu, room_for(self.jobs))
            asked = min(useful_workers(0, jobs), most)
        return useful_workers(asked, jobs)

    @property
    def gpus(self) -> list[str]:
        """Return the GPUs of this machine that the jobs train on; none on a CPU or a cluster."""
        from rnnbench.training.machine import visible_gpus

        here = self.sweep.cluster is None and any(job.device == "cuda" for job in self.jobs)
        return visible_gpus() if here else []

    @property
    def at_once(self) -> int:
        """Return how many jobs compute side by side; on one GPU they take turns."""
        return min(self.workers, len(self.gpus)) if self.gpus else self.workers


def useful_workers(asked: int, jobs: int) -> int:
    """Return how many processes are of use for so many jobs; 0 asks for one per core."""
    from rnnbench.training.machine import cores

    return max(1, min(asked or cores(), jobs))


def with_engines(remaining: Remaining, runner: Runner, interrupt: Interrupt) -> Remaining:
    """Choose an engine where a job leaves it open; `runner` times them, but not after an interrupt.

    Later starts in the directory take the choices of earlier ones.
    """
    if interrupt.exit_code is not None:
        return remaining
    sweep = remaining.sweep
    apart = runner if sweep.cluster and not sweep.dry_run else run_in_workers

    def run(jobs: Sequence[Job], notify: Notify) -> None:
        with interrupt:
            seconds = sweep.condition_seconds
            runner(Assignment(time_engines, jobs, notify, interrupt, seconds=seconds))

    def run_apart(jobs: Sequence[Job], notify: Notify) -> None:
        with interrupt:  # also from a notebook, whose process a kernel may end
            apart(Assignment(try_engine, jobs, notify, interrupt, seconds=TRIAL_SECONDS))

    prove(remaining.jobs, PREFERENCE, run_apart)
    place = sweep.output_dir.parent if sweep.is_tuning else sweep.output_dir
    records, remember = remaining.records, not sweep.dry_run
    jobs = resolve_engines(remaining.jobs, place / FILE, records, run, remember=remember)
    return replace(remaining, jobs=jobs)


def share_gpus(remaining: Remaining, interrupt: Interrupt) -> Remaining:
    """Choose how many workers each GPU of this machine has, where that is left open."""
    gpus = remaining.gpus
    limit = -(-remaining.workers // len(gpus)) if gpus else 1
    if remaining.sweep.workers or limit == 1 or interrupt.exit_code is not None:
        return remaining

    def run(parts: Sequence[Part], notify: Notify) -> None:
        assignment = Assignment(
            *(train_together, parts, notify, interrupt),
            workers=len(parts),
            gpus=gpus[:1],
            seconds=SHARE_SECONDS,
        )
        with interrupt:
            run_in_workers(assignment)

    costliest = next(job for job in remaining.jobs if job.device == "cuda")
    return replace(remaining, per_gpu=choose_share(costliest, limit, run))


def find_remaining(sweep: Sweep) -> Remaining:
    """Drop the replicas that are finished, resolve the device, put the longest first.

    Replicas whose rate is not chosen yet are left out. Nothing is written. The longest job comes
    first so that all processes end together.

    Raises:
        ValueError: a device is not to be had here.
        CannotRun: runs are of other code, see `rnnbench.launcher.edited`.
        OSError, NewerRecord: a record cannot be read, which is no reason to train it again.
    """
    store = Store(sweep.output_dir)
    records, edited = read_current(sweep)
    done = filter(is_finished, records.values())
    finished = frozenset(r["run_id"] for r in done if not store.has_damaged_weights(r))
    twins = find_twins(sweep).keys() - finished
    needless = finished | twins
    jobs = []
    for condition, replicas in sweep.jobs:
        left = [r for r in replicas if r.lr is not None and condition.run_id(r) not in needless]
        if not left:
            continue
        job = Job(
            condition=condition,
            replicas=tuple(left),
            output_dir=sweep.output_dir,
            engine=condition.engine,
            device=device_of(sweep, condition),
            sweep=sweep.name,
            command=sweep.command,
            tuning=sweep.choices.get(condition.condition_id),
            is_tuning=sweep.is_tuning,
            retrain=sweep.retrain,
        )
        jobs.append(job)
    jobs.sort(key=cost_of, reverse=True)
    return Remaining(sweep, tuple(jobs), records, finished, frozenset(twins), edited)


def cost_of(job: Job) -> float:
    """Estimate a training's length, in arbitrary units, to order and weigh the jobs."""
    condition, layers = job.condition, job.condition.layers
    gates = max(1, len(condition.build_cell().gates))
    size: int = condition.model["hidden_size"] * layers.num_layers * layers.directions
    size *= condition.trainer["batch_size"]
    return trained_time_steps(condition) * len(job.replicas) * gates * size


def trained_time_steps(condition: Condition) -> float:
    """Return the time steps of a training's sequences, summed over its steps."""
    from rnnbench.training.data import mean_time_steps

    steps: int = condition.trainer["steps"]
    return steps * mean_time_steps(condition.build_task(), condition.gap_schedule, steps)


def device_of(sweep: Sweep, condition: Condition) -> str:
    """Return the device that a condition is trained on: here, or in a task of the cluster.

    Raises:
        ValueError: there is none of the kind that is asked for.
    """
    from rnnbench.training.machine import choose_device

    return choose_device(condition.device, sweep.cluster["gpus"] if sweep.cluster else None)
