"""Learning: a few hundred steps of a very small recall beat chance on most seeds."""

from __future__ import annotations

from statistics import median

from rnnbench.check.problem import Failure, Measured, Subject
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import Replica
from rnnbench.task import Task
from rnnbench.training.trainer import Recipe, Trainer

TASK = "tasks.delayed_recall.DelayedRecall"
ARGUMENTS = {"gap": 3, "alphabet_size": 4, "distractors": "blank"}
SEEDS, RATES = range(3), (3e-3, 1e-2)
MARGIN = 0.25  # of the score: chance is 0, all right is 1
STEPS = 300


def check_learning(subject: Subject) -> Measured:
    """Train on recall over 3 time steps; the median seed at the better of two rates counts."""
    task: Task = find_class(TASK, Task, "task")(**ARGUMENTS)
    plan = Recipe(
        hidden_size=subject.hidden_size,
        steps=STEPS,
        batch_size=32,
        clip_norm=1.0,
        eval_every=100,
        eval_size=512,
    )
    replicas = [Replica(seed, rate) for rate in RATES for seed in SEEDS]
    scores: dict[float | None, list[float]] = {}
    for outcomes in Trainer(task, subject.build(), plan, replicas).run():
        for outcome in outcomes:
            scores.setdefault(outcome.state.replica.lr, []).append(outcome.score)
    best = max(median(own) for own in scores.values())
    chance, accuracy = task.chance.accuracy, _accuracy(task, best)
    text = f"accuracy {accuracy:.2f}, the median of {len(SEEDS)} seeds, after {STEPS} steps"
    least = f"{_accuracy(task, MARGIN):.2f} (chance {chance:.2f})"
    if not best >= MARGIN:
        raise Failure(f"recall over {task.gap} time steps must reach {least}, got {text}", accuracy)
    return Measured(f"{text}; it must reach {least}", accuracy)


def _accuracy(task: Task, score: float) -> float:
    return task.chance.accuracy + score * (1 - task.chance.accuracy)
