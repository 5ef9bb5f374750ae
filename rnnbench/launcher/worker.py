"""Train one condition in a worker process: its replicas side by side, each stored as it ends."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import fmean, median
from typing import Any

import torch

from rnnbench.console import message_of, warn
from rnnbench.engine import kernel_identity
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.sweep import Job
from rnnbench.experiment.tuning import (
    LADDER,
    drop_is_due,
    first_replicas,
    rates_behind,
    score_at,
)
from rnnbench.launcher.trials import AUTO, check_usable
from rnnbench.store.claims import Claim, claim_of, take
from rnnbench.store.records import Store
from rnnbench.store.standing import ProgressFile
from rnnbench.tracker import open_tracker
from rnnbench.training.checkpoint import load_checkpoint, save_checkpoint, warn_unused
from rnnbench.training.code import code_of, edited_parts
from rnnbench.training.recipe import make_recipe
from rnnbench.training.recording import describe_job, final_parameters, finished_record
from rnnbench.training.trainer import Outcome, ReplicaState, Trainer

CHECKPOINT_SECONDS = 60.0
PROGRESS_SECONDS = 0.5
Report = Callable[[dict[str, Any]], None]
_warn_once = cache(warn)


@dataclass(frozen=True)
class JobResult:
    """What has become of a condition's replicas.

    Attributes:
        statuses: of those that are finished, by run id.
        found: how many of them others had finished before.
        accuracy: mean over those that finished here; None where none did.
    """

    statuses: dict[str, str]
    stopped: bool
    found: int
    accuracy: float | None


def run_job(job: Job, report: Report, stop: threading.Event) -> JobResult | None:
    """Train one condition's replicas to the end, or to a stop request.

    Args:
        report: takes step, steps, active (replicas in the stack) and accuracy, now and then.
        stop: when set, the stack is checkpointed and left.

    Returns:
        None if another process is at work on the condition, and nothing was done.
    """
    claim = take(claim_of(job.output_dir, job.condition.condition_id))
    if claim is None:
        return None
    with claim:
        return _Work(_with_usable_engine(job), report, stop, claim).run()


def _with_usable_engine(job: Job) -> Job:
    """Return the job, on the reference engine where `auto` took one elsewhere that fails here."""
    try:
        check_usable(job.engine, job)
    except ValueError as error:
        if job.condition.engine != AUTO:
            raise
        _warn_once(f"engine reference for {job.condition.cell['name']}: {message_of(error)}")
        return replace(job, engine="reference")
    return job


class _Work:
    """One condition in a worker's hands."""

    def __init__(self, job: Job, report: Report, stop: threading.Event, claim: Claim) -> None:
        self.job, self.report, self.stop, self.claim = job, report, stop, claim
        self.condition = job.condition
        self.recipe = make_recipe(self.condition, job.engine, job.device)
        self.store = Store(job.output_dir)
        identity = self.condition.condition_id
        self.checkpoint = job.output_dir / "checkpoints" / f"{identity}.safetensors"
        self.progress_file = ProgressFile(job.output_dir, identity)
        kernel = kernel_identity(job.engine, self.condition.build_cell())
        self.code = code_of(self.condition)
        self.described = describe_job(job, kernel, self.code)
        self.accuracies: list[float] = []  # of the replicas that were finished
        self.begun: set[Replica] = set()  # those of which the tracker has heard
        self.stacked = 0  # replicas in the stack that trains
        self.most = len(job.replicas)  # in one stack: fewer once memory was too small
        # Another launcher may have been here since the job was planned.
        self.statuses = self._trained()
        self.waiting = [r for r in job.replicas if job.condition.run_id(r) not in self.statuses]

    def _trained(self) -> dict[str, str]:
        """Return the statuses of runs that are finished; of this code alone where asked for."""
        done = self.store.trained(self.job.run_ids)
        stored = {run_id: self.store.read(run_id) for run_id in done if self.job.retrain}
        edited = {run_id for run_id, it in stored.items() if it and edited_parts(it, self.code)}
        return {run_id: status for run_id, status in done.items() if run_id not in edited}

    def run(self) -> JobResult:
        self.tracker = open_tracker(self.job.tracker, self.job.output_dir, self.job.sweep)
        try:
            while self._runs_out_of_memory():
                free_memory()
        finally:
            self.tracker.close()
            self.progress_file.clear()
        return JobResult(
            statuses=self.statuses,
            stopped=len(self.statuses) < len(self.described),
            found=len(self.described) - len(self.waiting),
            accuracy=fmean(self.accuracies) if self.accuracies else None,
        )

    def _runs_out_of_memory(self) -> bool:
        """Train all stacks; return whether one was too large, and smaller ones may do.

        Half a stack trains from its last checkpoint, or anew: to the same numbers.
        """
        try:
            for trainer in self._stacks():
                self._train(trainer)
                if not trainer.finished:
                    break
                self.checkpoint.unlink(missing_ok=True)
        except torch.OutOfMemoryError:
            if self.stacked == 1:
                raise
            self.most = -(-self.stacked // 2)
            warn(
                f"{self.condition.cell['name']} on {self.condition.task['name']}: no memory for "
                f"{self.stacked} replicas side by side, going on with {self.most} at a time"
            )
            return True
        return False

    def _stacks(self) -> Iterator[Trainer]:
        """Yield the stack that an earlier start left half-way, if any, then the others.

        Where there is no memory for all of it, its parts go on from where it was left.
        """
        waiting = [r for r in self.waiting if self.condition.run_id(r) not in self.statuses]
        saved = load_checkpoint(
            self.checkpoint, self.condition.condition_id, self.recipe, self.code
        )
        if saved is not None:
            for part in self._parts([r for r in saved.replicas if r in waiting]):
                trainer, own = self._trainer(part), saved.only(part)
                if not trainer.fits(own.tensors):
                    warn_unused(self.checkpoint, "its tensors are not those of its condition")
                    break
                trainer.restore(*own)
                waiting = [replica for replica in waiting if replica not in part]
                yield trainer
        for part in self._parts(waiting):
            yield self._trainer(part)

    def _parts(self, replicas: Sequence[Replica]) -> Iterator[Sequence[Replica]]:
        """Cut replicas into stacks for which there is memory."""
        for first in range(0, len(replicas), self.most):
            yield replicas[first : first + self.most]

    def _trainer(self, replicas: Sequence[Replica]) -> Trainer:
        self.stacked = len(replicas)
        task, cell = self.condition.build_task(), self.condition.build_cell()
        return Trainer(task, cell, self.recipe, replicas)

    def _train(self, trainer: Trainer) -> None:
        logged = dict.fromkeys((p.replica for p in trainer.active), 0)
        for replica in (r for r in logged if r not in self.begun):
            self.tracker.start(self.described[replica])
        self.begun |= logged.keys()
        self._tell(trainer)  # where it begins: the time left is reckoned from here
        saved = told = time.monotonic()
        for outcomes in trainer.run():
            self._log([*trainer.active, *(outcome.state for outcome in outcomes)], logged)
            for outcome in outcomes:
                self._finish(outcome)
            for outcome in self._drop(trainer):
                self._finish(outcome)
            now, stopping = time.monotonic(), self.stop.is_set()
            if self.claim.lost.is_set():
                return  # and its heir goes on from the last checkpoint
            if not trainer.finished and (stopping or now - saved > CHECKPOINT_SECONDS):
                self._save(trainer)
                saved = now
            if now - told > PROGRESS_SECONDS or trainer.finished:
                self._tell(trainer)
                told = now
            if stopping:
                return

    def _log(self, states: Sequence[ReplicaState], logged: dict[Replica, int]) -> None:
        """Mirror the evaluations that are new since the last step."""
        for state in states:
            for row in state.history[logged[state.replica] :]:
                self.tracker.log(self.described[state.replica]["run_id"], row)
            logged[state.replica] = len(state.history)

    def _tell(self, trainer: Trainer) -> None:
        """Tell how far the stack is: the launcher at once, other processes by a file."""
        latest = [p.history[-1]["accuracy"] for p in trainer.active if p.history] + self.accuracies
        progress = {
            "step": trainer.step,
            "steps": self.recipe.steps,
            "active": len(trainer.active),
            "accuracy": fmean(latest) if latest else None,
        }
        self.report(progress)
        self.progress_file.tell(progress)

    def _drop(self, trainer: Trainer) -> list[Outcome]:
        """In a tuning, take the rates out that are clearly behind when that is due."""
        steps, eval_every = self.recipe.steps, self.recipe.eval_every
        whole = self.most == len(self.job.replicas)  # else it knows too few to compare with
        due = whole and self.job.is_tuning and drop_is_due(trainer.step, steps, eval_every)
        first = first_replicas(self.condition, {*self.condition.tuning["rates"], *LADDER})
        if not due or trainer.finished or any(p.replica not in first for p in trainer.active):
            return []  # more seeds of a rate are trained to the end
        histories = {p.replica: p.history for p in trainer.active}
        run_ids = {replica: self.condition.run_id(replica) for replica in first}
        stored = self.store.find(run_ids.values())
        for replica, run_id in run_ids.items():
            record = stored.get(run_id)
            if record is not None and replica not in histories:
                histories[replica] = [] if record["status"] == "diverged" else record["history"]
        scores: dict[float | None, list[float]] = {}
        for replica, history in histories.items():
            scores.setdefault(replica.lr, []).append(score_at(history, trainer.step))
        return trainer.drop(rates_behind(scores))

    def _finish(self, outcome: Outcome) -> None:
        described = self.described[outcome.state.replica]
        record = finished_record(described, outcome)
        self.store.write(record, final_parameters(outcome, record["run_id"]))
        self.statuses[record["run_id"]] = record["status"]
        self.accuracies.append(outcome.accuracy)
        self.tracker.finish(record)

    def _save(self, trainer: Trainer) -> None:
        """Checkpoint; a full disk then costs the way back to here, but not the training."""
        try:
            save_checkpoint(self.checkpoint, trainer, self.condition.condition_id, self.code)
        except OSError as error:
            warn(f"no checkpoint could be written: {error}")


def free_memory() -> None:
    """Give a GPU's memory back that no tensor holds any more."""
    gc.collect()
    torch.cuda.empty_cache()


def seconds_per_step(job: Job, engine: str) -> float:
    """Measure one training step of a stack: the median of a few, after one to warm up."""
    trainer = trainer_to_time(job, engine, steps=100)
    training = trainer.run()
    next(training)
    times = []
    for _ in range(3):
        start, before = time.perf_counter(), trainer.step
        next(training)
        times.append((time.perf_counter() - start) / (trainer.step - before))
    return median(times)


def trainer_to_time(job: Job, engine: str, steps: int) -> Trainer:
    """Return a stack as large as the job's; it trains for so many steps, without evaluation.

    The steps are all at the condition's gap, whatever its own number of them.
    """
    condition = job.condition
    recipe = make_recipe(condition, engine, job.device)
    recipe = replace(recipe, steps=steps, eval_every=steps, gap_schedule="fixed")
    stack = [Replica(seed, 1e-3) for seed in range(len(job.replicas))]
    return Trainer(condition.build_task(), condition.build_cell(), recipe, stack)
