"""Who lacks the oldest input, or all but the newest, gets what the task says, and no more."""

import math

import pytest
import torch

from rnnbench.task import RegressionTask
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.keys import Keys, bag_of_values

from .conftest import OPTIONS
from .oracles import forget_oldest, oracle

N = 20_000


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def per_sequence(measure, outputs, targets):
    """Return a measure of each sequence alone: sequences take the place of replicas."""
    return measure(outputs.transpose(0, 1)[:, :, None], targets.T[:, :, None])


def assert_is_mean(values, expected):
    """Assert an expectation within four standard errors of the sequences' mean."""
    error = values.std() / math.sqrt(len(values))
    assert abs(values.mean() - expected) < 4 * error + 1e-6


def prior(task, batch):
    """Return log probabilities of the classes `(K, B, C)`, given the clock and the newest input.

    They are frequencies in the other half of the sequences. Return as well what their noise may add
    to the loss: for each value of the newest input and each class but one, one sequence's worth.
    """
    read = task.dependencies()[:, 1]
    size, half = task.output_size, batch.targets.shape[1] // 2
    outputs, most = torch.empty(*batch.targets.shape, size), 0
    for k, time in enumerate(read.tolist()):
        _, newest = batch.inputs[time].unique(dim=0, return_inverse=True)
        targets, most = batch.targets[k], max(most, int(newest.max()) + 1)
        asked = targets >= 0
        code = newest * size + targets.clamp(min=0)
        for own, other in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            told = code[other][asked[other]]
            counts = torch.bincount(told, minlength=(int(newest.max()) + 1) * size).double()
            table = (counts.view(-1, size) + 1) / (counts.view(-1, size) + 1).sum(1, keepdim=True)
            outputs[k, own] = table.log()[newest[own]].float()
    return outputs, most * (size - 1) / half


def check_chance(task, count):
    batch = task.sample(count, seeded(3))
    outputs, noise = prior(task, batch)
    losses = per_sequence(task.loss, outputs, batch.targets)
    error = 4 * losses.std() / math.sqrt(count)
    assert -error < losses.mean() - task.chance.loss < error + noise
    accuracies = per_sequence(task.accuracy, outputs, batch.targets)
    assert_is_mean(accuracies, task.chance.accuracy)


def test_knowing_the_clock_and_the_newest_input_is_chance(class_task):
    check_chance(class_task, N)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_chance_of_200_000_sequences(name):
    task = OPTIONS[name]
    if isinstance(task, RegressionTask):
        batch = task.sample(200_000, seeded(3))
        outputs = task_constant(task, batch)
        assert_is_mean(per_sequence(task.loss, outputs, batch.targets), task.chance.loss)
        assert_is_mean(per_sequence(task.accuracy, outputs, batch.targets), task.chance.accuracy)
    else:
        check_chance(task, 200_000)


def task_constant(task, batch):
    """Return the best constant answer, the mean of all answers."""
    mean = 0.5 if task.layout == "hs97" else 1.0
    return torch.full((*batch.targets.shape, 1), mean)


def test_ages_are_distances_of_every_sequence(task, generator):
    batch = task.sample(5000, generator)
    ages = task.ages(batch)
    assert ages.shape == batch.targets.shape
    assert ages.dtype == torch.int64
    found = ages[(batch.targets >= 0) & (ages > 0)] if task.output_size > 1 else ages
    assert (found.min(), found.max()) == task.distances
    assert task.distances[0] <= task.gap <= task.distances[1]


def test_whoever_misses_the_oldest_input_is_at_chance_or_at_the_plateau(forgetful_task, generator):
    """Ages say where it is: were one of them wrong, the oracle would still be right."""
    task = forgetful_task
    batch = task.sample(N, generator)
    outputs = oracle(task, forget_oldest(task, batch, generator))
    if isinstance(task, Adding):  # it answers with a number that is as far off as the true one
        halved = 0.5 * per_sequence(task.loss, outputs, batch.targets)
        assert_is_mean(halved, without_oldest(task))
    else:
        assert_is_mean(per_sequence(task.accuracy, outputs, batch.targets), without_oldest(task))


def without_oldest(task):
    """Return the loss of a regression, or the accuracy, of knowing all but the oldest input."""
    if isinstance(task, Adding):
        return next(iter(task.plateaus.values()))
    return task.chance.accuracy


def test_ages_of_keys_are_uniform(generator):
    task = Keys(gap=7, num_keys=3)
    counts = torch.bincount(task.ages(task.sample(N, generator))[0])
    assert counts[:7].sum() == 0
    assert (counts[7:] / N - 1 / 3).abs().max() < 0.015


def bag_oracle(values, size):
    """Return log shares `(1, B, size)` of the values `(K, B)` in each sequence."""
    shares = torch.nn.functional.one_hot(values, size).float().mean(0)
    return (shares + 1e-12).log()[None]


@pytest.mark.parametrize(("count", "size"), [(1, 8), (2, 8), (3, 2), (4, 8), (8, 3)])
def test_knowing_the_values_but_not_their_keys_is_the_plateau_of_keys(count, size, generator):
    task = Keys(gap=5, num_keys=count, alphabet_size=size)
    inputs, targets = task.sample(N, generator)
    outputs = bag_oracle(inputs[:count, :, count:-1].argmax(-1), size)
    assert_is_mean(per_sequence(task.loss, outputs, targets), task.bag.loss)
    noisy = outputs + 1e-6 * torch.rand(outputs.shape, generator=generator)  # ties
    assert_is_mean(per_sequence(task.accuracy, noisy, targets), task.bag.accuracy)
    assert task.plateaus == ({"values without keys": task.bag.loss} if count > 1 else {})


def test_the_bag_as_the_guide_prints_it():
    known = {2: (0.6065, 0.5625), 4: (1.1395, 0.4121), 8: (1.5567, 0.3247), 16: (1.8260, 0.2626)}
    for count, (loss, accuracy) in known.items():
        bag = bag_of_values(count, 8)
        assert (bag.loss, bag.accuracy) == pytest.approx((loss, accuracy), abs=1e-4)
