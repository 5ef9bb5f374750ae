"""Training data depend on (seed, step) alone; evaluation and test data never change."""

import pytest
import torch

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.data import (
    STEPS_PER_BLOCK,
    TrainingData,
    fixed_batches,
    mean_time_steps,
    possible_gaps,
    scheduled_gap,
)
from rnnbench.training.streams import EVALUATION, TEST

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


@pytest.mark.parametrize("schedule", ["fixed", "uniform"])
def test_threads_draw_the_same_one_block_ahead(schedule):
    settings = {"schedule": schedule, "steps": 5 * STEPS_PER_BLOCK}
    task, seeds = Copying(gap=20, num_symbols=4), [3, 1, 3, 0]
    plain = TrainingData(task, 5, seeds, CPU, torch.float32, **settings)
    ahead = TrainingData(task, 5, seeds, CPU, torch.float32, threads=2, **settings)
    for step in (0, 15, 16, 40, 41, 79, 2):  # one block left out, and one asked for again
        assert same(plain.batch(step), ahead.batch(step))
        waiting = {block for block, _ in ahead._ahead}
        assert waiting <= {step // STEPS_PER_BLOCK + 1}
        assert bool(waiting) == (step != 79)
    for data in (plain, ahead):
        data.keep(torch.tensor([1, 3]))
    assert same(plain.batch(33), ahead.batch(33))


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


class TestSchedule:
    """The gap of training may vary over the steps; what is measured is always at the task's."""

    task = Copying(gap=20, num_symbols=10)

    def gaps(self, schedule, steps=1600, task=None):
        blocks = steps // STEPS_PER_BLOCK
        gaps = possible_gaps(task or self.task)
        return [scheduled_gap(gaps, schedule, block, blocks) for block in range(blocks)]

    def test_only_gaps_that_the_task_has_are_possible(self):
        assert possible_gaps(self.task) == list(range(11, 21))
        assert possible_gaps(DelayedRecall(gap=4)) == [1, 2, 3, 4]

    def test_growing_never_falls_and_is_at_the_end_for_the_second_half(self):
        gaps = self.gaps("growing")
        assert gaps == sorted(gaps)
        assert set(gaps) == set(range(11, 21))
        assert gaps[0] == 11
        assert set(gaps[50:]) == {20}
        assert max(gaps[:40]) < 20

    def test_uniform_takes_every_gap_alike_and_the_same_for_everyone(self):
        gaps = self.gaps("uniform", steps=160_000)
        counts = [gaps.count(gap) for gap in range(11, 21)]
        assert sum(counts) == 10_000
        assert max(abs(count - 1000) for count in counts) < 4 * 30  # 4 standard deviations
        assert gaps == self.gaps("uniform", steps=160_000)

    def test_fixed_is_the_task_s_own(self):
        assert set(self.gaps("fixed")) == {20}

    @pytest.mark.parametrize("schedule", ["uniform", "growing"])
    def test_its_mean_length_is_that_of_what_is_shown(self, schedule):
        task, gaps = DelayedRecall(gap=9), self.gaps(schedule, 800, DelayedRecall(gap=9))
        assert mean_time_steps(task, schedule, 800) == pytest.approx(sum(gaps) / 50 + 1)
        assert mean_time_steps(task, "fixed", 800) == 10
        # Over the first half all nine gaps alike; then the last one.
        assert mean_time_steps(task, "growing", 16 * 36) == (6 + 10) / 2

    @pytest.mark.parametrize("schedule", ["uniform", "growing"])
    def test_training_follows_the_schedule(self, schedule):
        data = TrainingData(self.task, 3, [0, 1], CPU, torch.float32, schedule=schedule, steps=1600)
        expected = self.gaps(schedule)
        for block in (0, 7, 30, 99):
            inputs, targets = data.batch(block * STEPS_PER_BLOCK + 3)
            assert inputs.shape[1] == expected[block] + 10
            assert targets.shape == (2, 10, 3)

    def test_at_the_task_s_gap_the_sequences_are_those_of_a_fixed_schedule(self):
        growing = TrainingData(self.task, 3, [5], CPU, torch.float32, schedule="growing", steps=320)
        fixed = TrainingData(self.task, 3, [5], CPU, torch.float32)
        assert same(growing.batch(310), fixed.batch(310))
