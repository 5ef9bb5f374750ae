"""Small sweeps, of cells that end their process, raise, are mended or slow, and their results."""

import os
import signal
import time
from dataclasses import replace

from rnnbench.cells import GRU
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Sweep
from rnnbench.store.records import Store

TRAINER = {"steps": 6, "batch_size": 4, "clip_norm": 1.0, "eval_every": 3, "eval_size": 16}
REPLICAS = (Replica(0, 1e-3), Replica(1, 1e-3))


class Killed(GRU):
    """A cell that takes its process with it."""

    def update(self, *arguments):
        os.kill(os.getpid(), signal.SIGKILL)


class Broken(GRU):
    """A cell with a mistake in it."""

    def update(self, *arguments):
        raise RuntimeError("a mistake\nin the cell")


class Repaired(GRU):
    """A cell that is broken as long as the environment says so."""

    def update(self, *arguments):
        if "RNNBENCH_TEST_BROKEN" in os.environ:
            raise RuntimeError("not yet")
        return super().update(*arguments)


class Slow(GRU):
    """A cell that takes minutes to train as long as the environment says so."""

    def update(self, *arguments):
        if "RNNBENCH_TEST_SLOW" in os.environ:
            time.sleep(0.02)
        return super().update(*arguments)


def condition(cell="gru", gap=6, engine="reference", **trainer):
    """Return a small condition; `engine="auto"` has its engines timed before."""
    own = {"killed": Killed, "broken": Broken, "repaired": Repaired, "slow": Slow}
    target = f"{__name__}.{own[cell].__name__}" if cell in own else f"rnnbench.cells.{cell.upper()}"
    return Condition(
        task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": gap},
        cell={"_target_": target, "name": cell},
        model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
        trainer={**TRAINER, **trainer},
        dtype="float32",
        engine=engine,
        device="auto",
    )


def sweep_of(directory, *conditions, replicas=REPLICAS, **settings):
    tracker = {"kind": "none", "mode": "auto", "project": "rnnbench", "entity": None}
    sweep = Sweep("trial", directory, 2, False, tracker, tuple((c, replicas) for c in conditions))
    return replace(sweep, **settings)


def statuses(directory):
    return {run_id: record["status"] for run_id, record in Store(directory).runs().items()}


def files(directory):
    return {p: p.stat().st_mtime_ns for p in directory.rglob("*") if p.is_file()}
