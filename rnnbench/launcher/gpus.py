"""Share this machine's GPUs among workers: by memory, and evenly."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.experiment.condition import Job
from rnnbench.experiment.limits import STEPS_PER_BLOCK

# Workers of one GPU take turns: while one draws data or evaluates, another computes.
PER_GPU = 4
# Numbers that training keeps for a unit, sequence and time step, by gate and state: the reference
# engine kept 1 to 3 of a dozen cells (counted by torch's hooks), and the backward pass adds some.
KEPT = 3
CONTEXT = 2**30  # bytes of CUDA itself, its libraries and kernels, of each process
SHARE = 0.8  # of a GPU's memory that is planned for


def stack_bytes(job: Job) -> int:
    """Estimate the memory of a job's training step and of a block of its data."""
    from rnnbench.layers import Layers

    condition, model = job.condition, job.condition.model
    cell, layers = condition.build_cell(), Layers.of(model)
    kept = KEPT * (max(1, len(cell.gates)) + len(cell.states))
    units = model["hidden_size"] * layers.num_layers * layers.directions
    task = condition.build_task()
    inputs = condition.trainer["batch_size"] * task.sequence_length  # of all time steps
    steps = inputs * (2 if layers.is_tree else 1)  # a tree has about as many nodes as leaves
    drawn = len({replica.seed for replica in job.replicas}) * STEPS_PER_BLOCK * task.input_size
    size = 8 if condition.dtype == "float64" else 4
    return int((len(job.replicas) * kept * units * steps + drawn * inputs) * size)


def workers_of_gpus(jobs: Sequence[Job], gpus: Sequence[str]) -> int:
    """Return how many workers the GPUs have room for, at least one each."""
    import torch

    total = torch.cuda.get_device_properties(0).total_memory
    each = int(SHARE * total) // (CONTEXT + max(map(stack_bytes, jobs)))
    return len(gpus) * max(1, min(PER_GPU, each))
