"""Who lacks the oldest input, or all but the newest, gets what the task says, and no more."""

import math
from pathlib import Path

import pytest
import torch

from rnnbench.task import RegressionTask
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.tasks.flip_flop import FlipFlop
from rnnbench.tasks.keys import Keys, bag_of_values
from rnnbench.tasks.language import Language
from rnnbench.tasks.order import Order
from rnnbench.tasks.selective import Selective
from rnnbench.tasks.tracking import Tracking

from .conftest import OPTIONS, YAMLS, from_yaml
from .oracles import forget_oldest, group_matrices, one_hot, oracle
from .test_meaning import N, assert_is_mean, memoryless, per_sequence


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def prior(task, batch):
    """Return log probabilities of the classes `(K, B, C)`, given the clock and the newest input.

    They are frequencies in the other half of the sequences. Return as well what their noise may add
    to the loss: for each value of the newest input and each class but one, one sequence's worth.
    """
    read = task.dependencies()[:, 1]
    size, half = task.output_size, batch.targets.shape[1] // 2
    outputs, most = torch.empty(*batch.targets.shape, size), 0
    mix = torch.rand(task.input_size, generator=seeded(0), dtype=torch.float64)
    for k, time in enumerate(read.tolist()):
        # By one number for each, which is far faster than by all channels.
        mixed = batch.inputs[time].double() @ mix
        _, newest = mixed.unique(return_inverse=True)
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
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long) if " " in n else n for n in OPTIONS]
)
def test_chance_of_200_000_sequences(name):
    task = OPTIONS[name]
    if isinstance(task, RegressionTask):
        batch = task.sample(200_000, seeded(3))
        outputs = memoryless(task, batch)
        assert_is_mean(per_sequence(task.loss, outputs, batch.targets), task.chance.loss)
        assert_is_mean(per_sequence(task.accuracy, outputs, batch.targets), task.chance.accuracy)
    else:
        check_chance(task, 200_000)


def test_ages_are_distances_of_every_sequence(task, generator):
    batch = task.sample(5000, generator)
    ages = task.ages(batch)
    assert ages.shape == batch.targets.shape
    assert ages.dtype == torch.int64
    found = ages if isinstance(task, Adding) else ages[(batch.targets >= 0) & (ages > 0)]
    assert (found.min(), found.max()) == task.distances
    assert task.distances[0] <= task.gap <= task.distances[1]


def test_whoever_misses_the_oldest_input_is_at_chance_or_at_the_plateau(forgetful_task, generator):
    """Ages say where it is: were one of them wrong, the oracle would still be right."""
    task = forgetful_task
    batch = task.sample(N, generator)
    outputs = oracle(task, forget_oldest(task, batch, generator))
    needs_none = (task.ages(batch) == 0)[..., None]
    outputs = torch.where(needs_none, oracle(task, batch.inputs), outputs)
    if isinstance(task, Adding):  # it answers with a number that is as far off as the true one
        halved = 0.5 * per_sequence(task.loss, outputs, batch.targets)
        assert_is_mean(halved, without_oldest(task))
    else:
        assert_is_mean(per_sequence(task.accuracy, outputs, batch.targets), without_oldest(task))


def without_oldest(task):
    """Return the loss of a regression, or the accuracy, of knowing all but the oldest input."""
    if isinstance(task, Adding):
        return next(iter(task.plateaus.values()), task.chance.loss)
    # Only who knows the order of the others can profit from it.
    return 0.5 if isinstance(task, Order) else task.chance.accuracy


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


def test_knowing_all_but_the_first_symbol_is_the_plateau_of_selective(generator):
    task = Selective(gap=12, num_symbols=3)
    inputs, targets = task.sample(N, generator)
    outputs = oracle(task, inputs)
    outputs[0] = 0
    assert_is_mean(per_sequence(task.loss, outputs, targets), task.plateaus["all but the first"])


@pytest.mark.parametrize("count", [2, 3])
def test_knowing_some_of_the_events_is_a_plateau_of_order(count, generator):
    task = Order(gap=9, num_events=count)
    targets = task.sample(N, generator).targets
    classes = torch.arange(task.output_size)
    for name, known in (("all but the first", 2), ("the last alone", 2 ** (count - 1))):
        # Events are bits, the first the lowest.
        alike = targets[..., None] // known == classes // known
        outputs = torch.where(alike, 0.0, -50.0)
        assert_is_mean(per_sequence(task.loss, outputs, targets), task.plateaus[name])


@pytest.mark.parametrize("before", [1, 3])
def test_keeping_the_first_write_is_the_plateau_of_flip_flop(before, generator):
    task = FlipFlop(gap=5, steps_before=before)
    inputs, targets = task.sample(N, generator)
    first = inputs[..., 1].argmax(0)
    kept = (inputs[first, torch.arange(N), 0] > 0).long()[None]
    right = 0.5 + 0.5 ** (before + 1)
    assert_is_mean(per_sequence(task.accuracy, one_hot(kept, 2), targets), right)
    told = one_hot(kept, 2) / 50 * math.log(right / (1 - right))
    assert_is_mean(per_sequence(task.loss, told, targets), task.plateaus["first write kept"])


@pytest.mark.parametrize(
    "group_task",
    [Tracking(gap=9), Tracking(gap=9, ask="end"), Tracking(gap=4, group="s5", ask="end")],
    ids=["s3", "s3 end", "s5 end"],
)
def test_knowing_whether_the_product_is_even_is_the_plateau_of_s3_and_s5(group_task, generator):
    task = group_task
    batch = task.sample(N, generator)
    even = group_matrices(task.group).det() > 0
    outputs = torch.where(even[batch.targets][..., None] == even, 0.0, -50.0)
    if task.ask == "every_step":
        outputs[0] = oracle(task, batch.inputs)[0]
    assert_is_mean(per_sequence(task.loss, outputs, batch.targets), task.plateaus["even or odd"])
    # It is the sum of single parities: what a cell that counts to two can do.
    shown = batch.inputs[..., : task.output_size]
    odd = (shown @ (~even).float()).cumsum(0)[-task.answer_length :] % 2
    assert torch.equal(odd == 1, ~even[batch.targets])


def test_the_groups_that_have_no_part_to_know_have_no_plateau():
    assert all(not Tracking(gap=5, group=group).plateaus for group in ("z2", "z5", "a5"))


def test_copying_the_sign_of_a_lure_is_chance(generator):
    task = DelayedRecall(gap=12, distractors="lure")
    inputs, targets = task.sample(N, generator)
    flagged = (inputs[..., 8] + inputs[..., 10]) > 0
    last = 11 - flagged[:12].flip(0).int().argmax(0)
    outputs = one_hot(inputs[last, torch.arange(N), :8].argmax(-1)[None], 8)
    lured = last > 0
    assert lured.float().mean() > 0.99
    right = per_sequence(task.accuracy, outputs, targets)[lured]
    assert_is_mean(right, task.chance.accuracy)
    assert (inputs[1:-1, :, 10].mean() - 0.5).abs() < 0.01
    assert not inputs[0, :, 10].any()
    assert not inputs[-1, :, 10].any()


def test_naming_the_last_country_or_the_last_number_is_chance(generator):
    task = Language(gap=20)
    inputs, targets = task.sample(N, generator)
    start = task.vocabulary.index("France")
    countries = inputs[..., start : start + 8]
    assert (countries.sum((0, 2)) >= 2).all()  # one lure at least
    last = len(inputs) - 1 - countries.sum(-1).flip(0).argmax(0)
    named = countries[last, torch.arange(N)].argmax(-1)[None]
    assert_is_mean(per_sequence(task.accuracy, one_hot(named, 8), targets), 1 / 8)
    task = Language(gap=14, about="agreement")
    inputs, targets = task.sample(N, generator)
    start = task.vocabulary.index("key")
    nouns = inputs[..., start : start + 12]
    assert (nouns.sum((0, 2)) >= 2).all()
    last = len(inputs) - 1 - nouns.sum(-1).flip(0).argmax(0)
    named = (nouns[last, torch.arange(N)].argmax(-1) >= 6).long()[None]
    assert_is_mean(per_sequence(task.accuracy, one_hot(named, 2), targets), 1 / 2)


def test_a_text_without_lures_has_none(generator):
    country = Language(gap=20, lures=False)
    inputs, _ = country.sample(500, generator)
    start = country.vocabulary.index("France")
    assert (inputs[..., start : start + 8].sum((0, 2)) == 1).all()
    agreement = Language(gap=20, about="agreement", lures=False)
    inputs, _ = agreement.sample(500, generator)
    start = agreement.vocabulary.index("key")
    assert (inputs[..., start : start + 12].sum((0, 2)) == 1).all()


GUIDE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
def test_the_guide_has_every_task_with_its_numbers(path):
    task = from_yaml(path)
    section = GUIDE.partition(f"\n### {path.stem}\n")[2].partition("\n###")[0]
    for words in ("\n```text\n", "\nDistance: ", "Chance", "lateau"):
        assert words in section
    known = {1 / 6: "1/6", 1 / 12: "1/12", math.log(8): "ln 8", math.log(2): "ln 2"}
    # Of these two the guide tells the plateau by its accuracy, or beside chance.
    named = {} if path.stem in ("tracking", "flip_flop") else task.plateaus
    for number in (task.chance.loss, *named.values()):
        assert f"{number:.4f}" in section or known[number] in section


def test_a_product_that_one_answer_gets_right_is_refused():
    """Eight values from U[0, 1] have a product below 0.2 in more than 99 of 100 sequences."""
    with pytest.raises(ValueError, match="^tolerance must be smaller for 8 markers, .* got 0.1$"):
        Adding(gap=12, operation="product", markers=8)
    assert Adding(gap=12, operation="product", markers=8, tolerance=1e-3).chance.accuracy < 0.5


def test_a_bag_of_many_values_is_worked_out_at_once():
    bag = bag_of_values(60, 60)
    assert 0.05 < bag.accuracy < 0.08 and 3 < bag.loss < math.log(60)
