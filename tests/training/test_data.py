"""Training data depend on (seed, step) alone; evaluation and test data never change."""

import pytest
import torch

from rnnbench.data import TrainingData, fixed_batches
from rnnbench.streams import EVALUATION, TEST
from tasks.adding import Adding
from tasks.delayed_recall import DelayedRecall

CPU = torch.device("cpu")
TASK = DelayedRecall(gap=6)


def training(seeds, task=TASK, batch_size=5):
    return TrainingData(task, batch_size, seeds, CPU, torch.float32)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("step", [0, 3, 16, 100])
def test_a_step_is_the_same_whoever_else_trains_and_whatever_came_before(step):
    alone = training([7]).batch(step)
    data = training([1, 7, 3])
    for earlier in range(step):
        data.batch(earlier)
    assert same([alone.inputs[0], alone.targets[0]], [x[1] for x in data.batch(step)])


def test_shapes_and_types():
    inputs, targets = training([0, 1]).batch(0)
    assert inputs.shape == (2, 7, 5, 10)
    assert targets.shape == (2, 1, 5)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
    values = TrainingData(Adding(gap=6), 5, [0], CPU, torch.float64).batch(0)
    assert (values.inputs.dtype, values.targets.dtype) == (torch.float64, torch.float64)


def test_steps_and_seeds_give_different_sequences():
    data = training([0, 1])
    batches = [data.batch(step).inputs.clone() for step in (0, 1, 15, 16, 17)]
    seen = {tuple(batch[row].flatten().tolist()) for batch in batches for row in (0, 1)}
    assert len(seen) == 10


def test_replicas_of_one_seed_at_several_rates_see_the_same_sequences():
    inputs, _ = training([4, 4]).batch(0)
    assert torch.equal(inputs[0], inputs[1])


@pytest.mark.parametrize("step", [5, 16])
def test_those_who_stay_keep_their_own_data(step):
    data, alone = training([0, 1, 2]), training([2])
    data.batch(4)
    data.keep(torch.tensor([2]))
    assert same(data.batch(step), alone.batch(step))


def test_fixed_streams_repeat_and_differ_from_each_other_and_from_training():
    def everything(kind):
        batches = list(fixed_batches(TASK, 300, kind, CPU, torch.float32))
        return torch.cat([batch.inputs for batch in batches], 1)

    evaluation, test = everything(EVALUATION), everything(TEST)
    assert evaluation.shape == (7, 300, 10)
    assert torch.equal(evaluation, everything(EVALUATION))
    sets = [
        {tuple(x.flatten().tolist()) for x in inputs.unbind(1)}
        for inputs in (evaluation, test, training([0], batch_size=300).batch(0).inputs[0])
    ]
    assert not sets[0] & sets[1]
    assert not (sets[0] | sets[1]) & sets[2]
