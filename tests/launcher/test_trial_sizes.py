"""What is launched later runs a kernel that was tried: in smaller stacks, evaluations and trees."""

import threading
from dataclasses import replace
from itertools import product

import pytest
import torch

from rnnbench.engine import ENGINES, tile_of
from rnnbench.engine.reference import run_reference
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import worker
from rnnbench.launcher.trials import trials_of
from tests.training.test_worker import CONDITION

TREE = {**CONDITION.model, "wiring": "balanced"}
VARIED = {"task": {**CONDITION.task, "gap_schedule": "uniform"}}
EVALUATED = {
    **CONDITION.trainer,
    "eval_size": 300,
    "eval_every": 5,
}  # a whole chunk and a part of one
LATE = 20  # calls of the engine


def job(output_dir, replicas=3, device="cpu", **changes):
    stack = tuple(Replica(seed, 1e-3) for seed in range(replicas))
    condition = replace(CONDITION, **changes)
    return Job(condition, stack, output_dir, "reference", device, "test", "rnnbench")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": TREE},
        {"model": TREE, **VARIED},
        {"model": {**CONDITION.model, "num_layers": 2, "bidirectional": True}},
    ],
    ids=["chain", "tree", "tree of varied size", "layers"],
)
def test_a_training_meets_no_size_that_no_trial_stands_for(tmp_path, monkeypatch, changes):
    """Also where memory is too small for all from some step on, and three train as two and one."""
    seen = []

    def run(cell, parameters, inputs, states, last):
        seen.append((len(inputs), inputs.shape[2]))
        if len(inputs) == 3 and len(seen) > LATE:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return run_reference(cell, parameters, inputs, states, last)

    monkeypatch.setitem(ENGINES, "reference", run)
    given = job(tmp_path, trainer=EVALUATED, **changes)
    worker.run_job(given, lambda event: None, threading.Event())
    monkeypatch.setattr("rnnbench.engine.tile_of", lambda name, *stack: stack)
    tried = {(trial.replicas, trial.batch) for trial in trials_of("triton", given)}
    assert {replicas for replicas, _ in seen} == {1, 2, 3}
    assert {CONDITION.trainer["batch_size"], 44, 256} <= {batch for _, batch in seen}
    assert set(seen) <= tried


@pytest.mark.parametrize(
    ("replicas", "batch", "hidden", "expected"),
    [
        (132, 32, 128, [(132, 32), (1, 32), (17, 32), (34, 32)]),
        (25, 32, 128, [(25, 32), (1, 32), (5, 256), (9, 256)]),
        (1, 8, 16, [(1, 8)]),
        (3, 8, 512, [(3, 8), (3, 256)]),
    ],
)
def test_each_kernel_of_triton_is_tried_once_and_first_the_job_s_own(
    tmp_path, replicas, batch, hidden, expected
):
    trainer = {**CONDITION.trainer, "batch_size": batch, "eval_size": 2048}
    model = {**CONDITION.model, "hidden_size": hidden}
    given = job(tmp_path, replicas, "cuda", trainer=trainer, model=model)
    stacks = [(trial.replicas, trial.batch) for trial in trials_of("triton", given)]
    assert stacks == expected
    tiles = [tile_of("triton", *stack, hidden) for stack in stacks]
    met = product(range(1, replicas + 1), (batch, 256))
    assert sorted(tiles) == sorted({tile_of("triton", *stack, hidden) for stack in met})
    assert len(trials_of("compiled", given)) == 1
