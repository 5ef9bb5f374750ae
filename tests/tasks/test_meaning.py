"""An oracle written from the tasks' words solves them; remembering nothing scores chance."""

import math

import pytest
import torch

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.tasks.tracking import Tracking

from .oracles import contents, one_hot, oracle

N = 20_000


def memoryless(task, batch):
    """Answer without any memory, but with a clock."""
    targets = batch.targets
    if isinstance(task, Adding):
        mean = 0.5**task.markers if task.operation == "product" else 0.5 * task.markers
        return torch.full((*targets.shape, 1), 0.5 if task.layout == "hs97" else mean)
    outputs = torch.zeros(*targets.shape, task.output_size)
    if isinstance(task, Copying) and task.score_on == "all":
        outputs[: -task.num_symbols, :, task.alphabet_size] = 50.0
        outputs[-task.num_symbols :, :, task.alphabet_size] = -50.0
    if isinstance(task, Tracking) and task.ask == "every_step":
        outputs[0] = 50.0 * batch.inputs[0, :, : task.output_size]
    return outputs


def assert_is_mean(values, expected):
    """Assert an expectation within four standard errors of the sequences' mean."""
    error = values.std() / math.sqrt(len(values))
    assert abs(values.mean() - expected) < 4 * error + 1e-6


def per_sequence(measure, outputs, targets):
    """Return a measure of each sequence alone: sequences take the place of replicas."""
    return measure(outputs.transpose(0, 1)[:, :, None], targets.T[:, :, None])


def test_the_oracle_solves_it(task, generator):
    inputs, targets = task.sample(500, generator)
    outputs = oracle(task, inputs)
    assert task.accuracy(outputs, targets) == 1
    assert task.loss(outputs, targets) < 1e-10


def test_the_answer_depends_on_the_needed_inputs_and_on_no_other(steady_task, generator):
    """Put the input of another sequence in at one time step; flags and markers stay."""
    task = steady_task
    inputs, targets = task.sample(50, generator)
    before = oracle(task, inputs)
    part = contents(task)
    for t in range(task.sequence_length):
        changed = inputs.clone()
        changed[t, :, part] = inputs[t, :, part].roll(1, 0)
        differs = (changed[t] != inputs[t]).any(-1)
        if isinstance(task, Adding):
            needs = inputs[t, :, 1][None] == 1
        else:
            needs = task.dependencies()[:, :1] == t
        assert torch.equal((oracle(task, changed) != before).any(-1), needs & differs)


def test_remembering_nothing_scores_chance(task, generator):
    batch = task.sample(N, generator)
    targets, outputs = batch.targets, memoryless(task, batch)
    assert_is_mean(per_sequence(task.loss, outputs, targets), task.chance.loss)
    # Equal outputs tie: a guess among them is what remembering nothing has to give.
    if not isinstance(task, Adding):
        outputs = outputs + torch.rand(outputs.shape, generator=generator)
    assert_is_mean(per_sequence(task.accuracy, outputs, targets), task.chance.accuracy)


def test_chance_as_the_tasks_page_prints_it():
    copy = Copying(gap=20)
    assert (copy.chance.loss, copy.chance.accuracy) == pytest.approx((2.0794, 0.125), abs=1e-4)
    assert copy.load_bits == 30
    assert copy.nominal_length == 10
    assert copy.sequence_chance == pytest.approx(8**-10)
    everything = Copying(gap=20, score_on="all")
    assert everything.chance.loss == pytest.approx(10 * math.log(8) / 30)
    assert everything.chance.accuracy == pytest.approx((20 + 10 / 8) / 30)
    adding = Adding(gap=20)
    assert (adding.chance.loss, adding.chance.accuracy) == pytest.approx((1 / 6, 0.19))
    assert math.isnan(adding.load_bits)
    recall = DelayedRecall(gap=20)
    assert (recall.chance.loss, recall.chance.accuracy) == pytest.approx((math.log(8), 0.125))
    assert recall.load_bits == 3


@pytest.mark.parametrize("layout", ["exact", "half", "anywhere", "hs97"])
def test_knowing_one_of_the_two_numbers_is_the_plateau(layout, generator):
    task = Adding(gap=12, layout=layout)
    inputs, targets = task.sample(N, generator)
    value, marker = inputs.unbind(-1)
    first = value.gather(0, marker.argmax(0)[None])
    guess = 0.5 + first / 4 if layout == "hs97" else first + 0.5
    assert_is_mean(per_sequence(task.loss, guess[..., None], targets), task.plateaus["one of two"])
    assert task.plateaus["one of two"] == pytest.approx(1 / 48 if layout == "hs97" else 1 / 12)


def test_chance_of_the_1997_layout_as_literature_has_it():
    task = Adding(gap=90, layout="hs97", tolerance=0.04)
    assert (task.chance.loss, task.chance.accuracy) == pytest.approx((1 / 24, 0.1536))
    assert (task.nominal_length, task.sequence_length) == (100, 110)
    # 10 symbols of 8 after a delay of 1 to 1,000, all time steps scored.
    variable = Copying(gap=11, longest_gap=1010, score_on="all")
    assert variable.chance.loss == pytest.approx(10 * math.log(8) / 1020)
    assert variable.nominal_length == 1000


def test_no_constant_answer_does_better_than_chance_in_the_1997_layout(generator):
    task = Adding(gap=12, layout="hs97", tolerance=0.04)
    _, targets = task.sample(N, generator)
    for answer in (0.4, 0.45, 0.55, 0.6):
        outputs = torch.full((1, N, 1), answer)
        assert task.loss(outputs, targets) > task.chance.loss
        assert task.accuracy(outputs, targets) < task.chance.accuracy


def test_the_scalar_encoding_holds_the_digits(generator):
    inputs, targets = Copying(gap=5, num_symbols=3, encoding="scalar").sample(1, generator)
    digits = (targets[:, 0] + 1).tolist()
    assert inputs[:, 0, 0].tolist() == [*digits, 0, 9, 0, 0, 0]


def test_both_encodings_show_the_same_sequences():
    seeded = [torch.Generator().manual_seed(1) for _ in range(2)]
    onehot = Copying(gap=14, longest_gap=18).sample(50, seeded[0])
    scalar = Copying(gap=14, longest_gap=18, encoding="scalar").sample(50, seeded[1])
    digits = torch.tensor([*range(1, 9), 0, 9])
    assert torch.equal(scalar.inputs[..., 0], digits[onehot.inputs.argmax(-1)].float())
    assert torch.equal(scalar.targets, onehot.targets)


def test_repeating_the_last_distractor_is_chance_too(generator):
    task = DelayedRecall(gap=2)
    inputs, targets = task.sample(N, generator)
    last = one_hot(inputs[-2, :, :8].argmax(-1)[None], 8)
    assert_is_mean(per_sequence(task.accuracy, last, targets), task.chance.accuracy)


def test_accuracy_of_adding_counts_what_is_strictly_within_the_tolerance():
    task = Adding(gap=4, tolerance=0.25)
    outputs = torch.tensor([1.0, 1.2, 1.25, 0.7])[None, :, None]
    assert task.accuracy(outputs, torch.ones(1, 4)) == 0.5


def test_channels_of_one_sequence_each(generator):
    inputs, targets = Copying(gap=4, alphabet_size=2, num_symbols=3).sample(1, generator)
    assert inputs[:, 0].argmax(-1).tolist() == [*targets[:, 0].tolist(), 3, 2, 2, 2]
    assert inputs.sum(-1).unique().tolist() == [1]
    inputs, targets = DelayedRecall(gap=3, alphabet_size=2, distractors="blank").sample(
        1, generator
    )
    expected = torch.zeros(4, 4)
    expected[0, targets.item()] = expected[0, 2] = expected[3, 3] = 1
    assert torch.equal(inputs[:, 0], expected)
    inputs, targets = Adding(gap=2).sample(1, generator)
    assert inputs[:, 0, 1].tolist() == [1, 1, 0]
    assert targets.item() == pytest.approx((inputs[0, 0, 0] + inputs[1, 0, 0]).item())
