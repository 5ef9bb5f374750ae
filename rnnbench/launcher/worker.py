"""What a worker process does with one condition: train its replicas, store their records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from rnnbench.console import warn
from rnnbench.engine import kernel_identity
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.tuning import drop_is_due, rates_behind, score_at, tuning_replicas
from rnnbench.store.claims import Claim, claim_of, take
from rnnbench.store.records import Store
from rnnbench.store.standing import ProgressFile
from rnnbench.tracker import open_tracker
from rnnbench.training.checkpoint import load_checkpoint, save_checkpoint, warn_unused
from rnnbench.training.recording import describe_job, final_parameters, finished_record
from rnnbench.training.trainer import Outcome, Trainer, make_recipe

CHECKPOINT_SECONDS = 60.0
PROGRESS_SECONDS = 0.5
Job = dict[str, Any]
Report = Callable[[dict[str, Any]], None]


def run_job(job: Job, progress: Report, stop: threading.Event) -> dict[str, Any]:
    """Train one condition's replicas to the end, or to a stop request.

    Args:
        job: condition, replicas, output_dir, sweep, command, engine and device (resolved),
            tracker, tuning (how the rate was chosen, or None) and is_tuning (these are tuning's
            own runs).
        progress: takes step, steps, active (replicas in the stack) and accuracy, now and then.
        stop: when set, the stack is checkpointed and left.

    Returns:
        statuses (by run id) of the replicas that are finished; stopped; found, how many of them
        others had finished before; accuracy, the mean over those that finished here; and held, if
        another process is at work on the condition and nothing was done.
    """
    claim = take(claim_of(job["output_dir"], job["condition"].condition_id))
    if claim is None:
        return {"statuses": {}, "stopped": False, "found": 0, "accuracy": None, "held": True}
    with claim:
        return _Work(job, progress, stop, claim).run()


class _Work:
    """One condition in a worker's hands."""

    def __init__(self, job: Job, progress: Report, stop: threading.Event, claim: Claim) -> None:
        self.job, self.progress, self.stop, self.claim = job, progress, stop, claim
        self.condition: Condition = job["condition"]
        self.plan = make_recipe(self.condition, job["engine"], job["device"])
        self.store = Store(job["output_dir"])
        identity = self.condition.condition_id
        self.checkpoint = Path(job["output_dir"]) / "checkpoints" / f"{identity}.safetensors"
        self.news = ProgressFile(job["output_dir"], identity)
        kernel = kernel_identity(job["engine"], self.condition.build_cell())
        self.described = describe_job(job, kernel)
        self.accuracies: list[float] = []  # of the replicas that were finished
        # Another launcher may have been here since the job was planned.
        self.statuses = self.store.finished(run["run_id"] for run in self.described.values())
        self.waiting = [
            r for r, run in self.described.items() if run["run_id"] not in self.statuses
        ]

    def run(self) -> dict[str, Any]:
        job = self.job
        self.tracker = open_tracker(job["tracker"], Path(job["output_dir"]), job["sweep"])
        try:
            for trainer in self._stacks():
                self._train(trainer)
                if not trainer.finished:
                    break
                self.checkpoint.unlink(missing_ok=True)
        finally:
            self.tracker.close()
            self.news.clear()
        stopped = len(self.statuses) < len(self.described)
        found = len(self.described) - len(self.waiting)
        return {
            **{"statuses": self.statuses, "stopped": stopped, "found": found, "held": False},
            "accuracy": fmean(self.accuracies) if self.accuracies else None,
        }

    def _stacks(self) -> Iterator[Trainer]:
        """Yield the stack that an earlier start left half-way, if any, then one of the others."""
        waiting = self.waiting
        saved = load_checkpoint(self.checkpoint, self.condition.condition_id, self.plan)
        if saved is not None:
            trainer = self._trainer(saved.replicas)
            if trainer.fits(saved.tensors):
                trainer.restore(*saved)
                trainer.keep_only(waiting)
                waiting = [replica for replica in waiting if replica not in saved.replicas]
                if not trainer.finished:
                    yield trainer
            else:
                warn_unused(self.checkpoint, "its tensors are not those of its condition")
        if waiting:
            yield self._trainer(waiting)

    def _trainer(self, replicas: Sequence[Replica]) -> Trainer:
        task, cell = self.condition.build_task(), self.condition.build_cell()
        return Trainer(task, cell, self.plan, replicas)

    def _train(self, trainer: Trainer) -> None:
        logged = dict.fromkeys((p.replica for p in trainer.active), 0)
        for replica in logged:
            self.tracker.start(self.described[replica])
        saved = told = time.monotonic()
        for outcomes in trainer.run():
            progresses = [*trainer.active, *(outcome.state for outcome in outcomes)]
            for each in progresses:
                for row in each.history[logged[each.replica] :]:
                    self.tracker.log(self.described[each.replica]["run_id"], row)
                logged[each.replica] = len(each.history)
            for outcome in outcomes:
                self._finish(outcome)
            for outcome in self._drop(trainer):
                self._finish(outcome)
            now, stopping = time.monotonic(), self.stop.is_set()
            if self.claim.lost.is_set():
                return  # and its heir goes on from the last checkpoint
            if stopping or now - saved > CHECKPOINT_SECONDS:
                self._save(trainer)
                saved = now
            if now - told > PROGRESS_SECONDS or trainer.finished:
                self._tell(trainer)
                told = now
            if stopping:
                return

    def _tell(self, trainer: Trainer) -> None:
        training = [p.history[-1]["accuracy"] for p in trainer.active if p.history]
        latest = [*training, *self.accuracies]
        news = {
            "step": trainer.step,
            "steps": trainer.recipe.steps,
            "active": len(trainer.active),
            "accuracy": sum(latest) / len(latest) if latest else None,
        }
        self.progress(news)
        self.news.tell(news)

    def _drop(self, trainer: Trainer) -> list[Outcome]:
        """In a tuning, take the rates out that are clearly behind when that is due."""
        plan = trainer.recipe
        due = self.job["is_tuning"] and drop_is_due(trainer.step, plan.steps, plan.eval_every)
        if not due or trainer.finished:
            return []
        histories = {p.replica: p.history for p in trainer.active}
        for replica in tuning_replicas():
            record = self.store.read(self.condition.run_id(replica))
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
        if trainer.finished:
            return
        try:
            save_checkpoint(self.checkpoint, trainer, self.condition.condition_id)
        except OSError as error:
            warn(f"no checkpoint could be written: {error}")


def seconds_per_step(condition: Condition, replicas: int, engine: str, device: str) -> float:
    """Measure one training step of a stack: the median of a few, after one to warm up."""
    # Long enough for a few steps, whatever the condition's own length, at its gap throughout,
    # and without evaluation.
    plan = make_recipe(condition, engine, device)
    plan = replace(plan, steps=100, eval_every=100, gap_schedule="fixed")
    stack = [Replica(seed, 1e-3) for seed in range(replicas)]
    training = Trainer(condition.build_task(), condition.build_cell(), plan, stack).run()
    next(training)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        next(training)
        times.append(time.perf_counter() - start)
    return sorted(times)[1]
