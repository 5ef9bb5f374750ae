"""A fixed training set is drawn once per seed and gone through in shuffled epochs."""

import pytest
import torch

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.data import TrainingSet
from rnnbench.training.streams import INITIALIZATION, TRAINING, shuffling, stream

CPU = torch.device("cpu")
TASK = Adding(gap=6)  # no two sequences are alike


def training(seeds, size=20, batch_size=8, task=TASK):
    return TrainingSet(task, size, batch_size, seeds, CPU, torch.float32)


def sequences(data, steps, row=0):
    """Return the sequences of some steps, in their order, each as a tuple."""
    batches = [data.batch(step).inputs[row] for step in steps]
    return [tuple(x.flatten().tolist()) for batch in batches for x in batch.unbind(1)]


@pytest.mark.parametrize(("size", "batch_size"), [(20, 8), (24, 8), (8, 8), (9, 8), (300, 50)])
def test_every_epoch_shows_each_sequence_once(size, batch_size):
    steps = -(-3 * size // batch_size)
    seen = sequences(training([3], size, batch_size), range(steps))
    epochs = [seen[start : start + size] for start in range(0, 3 * size, size)]
    assert len(set(epochs[0])) == size
    assert all(sorted(epoch) == sorted(epochs[0]) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_set_is_the_start_of_the_seed_s_training_stream():
    drawn = TASK.sample(256, stream(TRAINING, 3, 0)).inputs[:, :20]
    expected = {tuple(x.flatten().tolist()) for x in drawn.unbind(1)}
    assert set(sequences(training([3]), range(5))) == expected
    more = {tuple(x) for x in sequences(training([3], 400, 100), range(4))}
    assert expected < more
    assert len(more) == 400


def test_targets_belong_to_their_inputs():
    for task in (TASK, DelayedRecall(gap=5, distractors="blank")):
        inputs, targets = training([3, 4], task=task).batch(4)
        if task is TASK:
            right = (inputs[..., 0] * inputs[..., 1]).sum(1, keepdim=True)
            torch.testing.assert_close(targets, right)
        else:
            assert torch.equal(inputs[:, :1, :, :8].argmax(-1), targets)


@pytest.mark.parametrize("step", [0, 2, 3, 17, 100])
def test_a_step_is_the_same_whoever_else_trains_and_whatever_came_before(step):
    alone = training([7]).batch(step)
    data = training([1, 7, 3])
    for earlier in range(step):
        data.batch(earlier)
    together = data.batch(step)
    for own, other in zip(alone, together, strict=True):
        assert torch.equal(own[0], other[1])


def test_a_step_can_be_asked_for_again():
    data = training([7])
    first = data.batch(0)
    data.batch(30)
    assert torch.equal(data.batch(0).inputs, first.inputs)


def test_seeds_differ_and_rates_of_one_seed_share():
    inputs, _ = training([0, 1, 0]).batch(0)
    assert torch.equal(inputs[0], inputs[2])
    data = training([0, 1])
    assert not set(sequences(data, range(5))) & set(sequences(data, range(5), 1))
    places = [training([seed])._order(seed, 0).tolist() for seed in (0, 1)]
    assert places[0] != places[1]


def test_those_who_stay_keep_their_own_data():
    data, alone = training([0, 1, 2]), training([2])
    data.batch(4)
    data.keep(torch.tensor([2]))
    assert torch.equal(data.batch(5).inputs, alone.batch(5).inputs)
    assert data.batch(5).inputs.shape == (1, 7, 8, 2)


def test_shapes_and_types():
    inputs, targets = training([0, 1], task=DelayedRecall(gap=6)).batch(0)
    assert (inputs.shape, targets.shape) == ((2, 7, 8, 10), (2, 1, 8))
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
    values = TrainingSet(TASK, 9, 8, [0], CPU, torch.float64).batch(0)
    assert (values.inputs.dtype, values.targets.dtype) == (torch.float64, torch.float64)


def test_orders_and_initial_weights_never_share_a_stream():
    def draw(generator):
        return tuple(torch.rand(4, generator=generator).tolist())

    drawn = {draw(shuffling(seed, epoch)) for seed in (0, 1) for epoch in (0, 1, 2)}
    drawn |= {draw(stream(INITIALIZATION, seed)) for seed in (0, 1)}
    assert len(drawn) == 8
