"""Two conditions of two replicas each, trained in a moment."""

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Sweep

REPLICAS = (Replica(0, 1e-3), Replica(1, 1e-3))
NEWS = {"step": 3, "steps": 6, "active": 2, "accuracy": 0.25}


def condition(gap):
    trainer = {"steps": 6, "batch_size": 4, "clip_norm": 1.0, "eval_every": 3, "eval_size": 16}
    return Condition(
        task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": gap},
        cell={"_target_": "rnnbench.cells.GRU", "name": "gru"},
        model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
        trainer=trainer,
        dtype="float32",
        engine="reference",
        device="cpu",
    )


ONE, TWO = condition(6), condition(7)


def sweep_of(directory, *conditions):
    tracker = {"kind": "none", "mode": "auto", "project": "rnnbench", "entity": None}
    return Sweep("trial", directory, 2, False, tracker, tuple((c, REPLICAS) for c in conditions))
