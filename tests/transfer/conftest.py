"""Small trained conditions, and networks built by hand, stored as a sweep stores them."""

import threading
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import worker
from rnnbench.store.records import Store
from rnnbench.training.recording import describe_run, failed_record

CONDITION = Condition(
    task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": 6},
    cell={"_target_": "rnnbench.cells.GRU", "name": "gru", "init": "torch", "keep_bias": 1.0},
    model={"hidden_size": 16, "num_layers": 1, "bidirectional": False},
    trainer={"steps": 20, "batch_size": 8, "clip_norm": 1.0, "eval_every": 10, "eval_size": 300},
    dtype="float32",
    engine="auto",
    device="cpu",
)
REPLICAS = (Replica(0, 1e-3), Replica(1, 1e-3), Replica(1, 3e-3))
RUN = {"sweep": "test", "command": "", "device": "cpu", "tuning": None, "started": "now"}


@pytest.fixture(scope="session")
def at_gap():
    """Return the small condition at another gap."""
    return lambda gap: replace(CONDITION, task={**CONDITION.task, "gap": gap})


@pytest.fixture(scope="session")
def train():
    """Train replicas of a condition into a directory."""

    def run(directory, condition=CONDITION, replicas=REPLICAS, engine="reference"):
        job = Job(condition, replicas, directory, engine, "cpu", sweep="test")
        worker.run_job(job, lambda event: None, threading.Event())
        return directory

    return run


@pytest.fixture
def put(tmp_path):
    """Store one network of a condition as it is, `changes` replacing what its record says."""

    def store(condition, parameters, *, seed=0, engine="reference", **changes):
        described = describe_run(condition, Replica(seed, 1e-3), RUN | {"engine": engine})
        record = failed_record(described, "") | {"status": "unsolved", "error": None} | changes
        contents = {name: tensor.contiguous() for name, tensor in parameters.items()}
        Store(tmp_path).write(record, save(contents) if parameters else None)
        return tmp_path

    return store


@pytest.fixture
def shift_register():
    """Return a condition and the weights of a network that remembers for exactly `reach` steps.

    Units (k, a), k = 0 .. reach: cue a goes into (0, a) and from each step to the next into
    (k + 1, a), until it falls out of the last; any but the first is read out.
    """

    def build(reach, gap, alphabet=2):
        size = alphabet * (reach + 1)
        arguments = {"gap": gap, "alphabet_size": alphabet, "distractors": "blank"}
        cell = {"_target_": "rnnbench.cells.RNN", "name": "rnn", "nonlinearity": "relu"}
        condition = replace(
            CONDITION,
            task={**CONDITION.task, **arguments},
            cell={**cell, "init": "torch"},
            model={**CONDITION.model, "hidden_size": size},
        )
        one = torch.eye(alphabet)
        weights = {
            "rnn.weight_ih_l0": torch.zeros(size, alphabet + 2),
            "rnn.weight_hh_l0": torch.zeros(size, size),
            "rnn.bias_ih_l0": torch.zeros(size),
            "rnn.bias_hh_l0": torch.zeros(size),
            "readout.weight": torch.cat([0 * one, *[one] * reach], 1),
            "readout.bias": torch.zeros(alphabet),
        }
        weights["rnn.weight_ih_l0"][:alphabet, :alphabet] = one
        weights["rnn.weight_hh_l0"][alphabet:, :-alphabet] = torch.eye(size - alphabet)
        return condition, weights

    return build
