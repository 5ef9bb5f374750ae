"""What is drawn has the shares that the guide tells: words, places, writes, and who is asked."""

from itertools import combinations

import pytest
import torch

from rnnbench.task import UNASKED, Chance, ClassificationTask
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.brackets import Brackets
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delay import Delay
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.tasks.flip_flop import FlipFlop
from rnnbench.tasks.keys import Keys
from rnnbench.tasks.language import Language
from rnnbench.tasks.order import Order
from rnnbench.tasks.selective import Selective
from rnnbench.tasks.tracking import Tracking

N = 20_000


def assert_equally_likely(found, expected):
    """Assert that just these things were found, each about as often."""
    codes = {thing: number for number, thing in enumerate(sorted(expected))}
    counts = torch.zeros(len(codes))
    for thing in found:
        counts[codes[thing]] += 1
    share = len(found) / len(codes)
    chi_square = ((counts - share).square() / share).sum()
    assert chi_square < len(codes) + 5 * (2 * len(codes)) ** 0.5


def words(pairs, depth):
    """Yield all balanced words of so many pairs and of a depth of at most `depth`."""
    if not pairs:
        yield ""
    elif depth:
        for inner in range(pairs):
            for first in words(inner, depth - 1):
                for rest in words(pairs - 1 - inner, depth):
                    yield f"({first}){rest}"


@pytest.mark.parametrize(("gap", "depth"), [(9, 4), (11, 3), (9, 2), (7, 9)])
def test_all_words_of_brackets_are_equally_likely(gap, depth, generator):
    inputs, _ = Brackets(gap=gap, depth=depth).sample(N, generator)
    opens = inputs[..., -1] == 0
    found = ["".join("()"[not one] for one in word) for word in opens.T.tolist()]
    expected = {f"({inner})" for inner in words((gap - 1) // 2, depth - 1)}
    assert_equally_likely(found, expected)


def test_long_words_of_brackets_can_be_counted(generator):
    """There are more of them than a float can hold."""
    inputs, targets = Brackets(gap=1201, depth=40, ask="every").sample(2, generator)
    height = torch.where(inputs[..., -1] == 0, 1, -1).cumsum(0)
    assert height[:-1].min() == 1
    assert (height[-1] == 0).all()
    assert 5 < height.max() <= 40
    assert (targets != UNASKED).sum() == 2 * 601


@pytest.mark.parametrize("ask", ["every_step", "end"])
def test_tracking_has_so_many_updates_at_equally_likely_places(ask, generator):
    task = Tracking(gap=6, group="z2", updates=3, ask=ask)
    inputs, _ = task.sample(N, generator)
    places = 6 if ask == "end" else 7
    shown = inputs[:places, :, :2].sum(-1).T.nonzero()[:, 1].view(N, 3)
    expected = {(0, *pair) for pair in combinations(range(1, places), 2)}
    assert_equally_likely([tuple(row) for row in shown.tolist()], expected)
    blank = inputs[..., 2].sum(0)
    assert (blank == places - 3).all()
    assert (inputs.sum(-1) == 1).all()


@pytest.mark.parametrize(
    ("placed", "flags"),
    [
        (Selective(gap=6, num_symbols=3), lambda inputs: inputs[:6, :, 8]),
        (Order(gap=6, num_events=3), lambda inputs: inputs[:6, :, :2].sum(-1)),
        (Adding(gap=6, markers=3), lambda inputs: inputs[:6, :, 1]),
    ],
    ids=["selective", "order", "adding"],
)
def test_places_are_equally_likely(placed, flags, generator):
    shown = flags(placed.sample(N, generator).inputs).T.nonzero()[:, 1].view(N, 3)
    expected = {(0, *pair) for pair in combinations(range(1, 6), 2)}
    assert_equally_likely([tuple(row) for row in shown.tolist()], expected)


@pytest.mark.parametrize("varied", [Keys(gap=7, num_keys=3), DelayedRecall(gap=7, longest_gap=9)])
def test_distances_are_uniform(varied, generator):
    ages = varied.ages(varied.sample(N, generator))[0]
    assert_equally_likely(ages.tolist(), {7, 8, 9})


def test_each_key_is_shown_once_and_asked_as_often(generator):
    inputs, _ = Keys(gap=2, num_keys=3).sample(N, generator)
    assert (inputs[:3, :, :3].sum(0) == 1).all()
    orders = inputs[:3, :, :3].argmax(-1).T.tolist()
    asked = inputs[-1, :, :3].argmax(-1).tolist()
    found = [(*order, key) for order, key in zip(orders, asked, strict=True)]
    every = {(a, b, 3 - a - b, key) for a in range(3) for b in range(3) for key in range(3)}
    assert_equally_likely(found, {one for one in every if len(set(one[:3])) == 3 and one[2] < 3})


def test_flip_flop_s_actions(generator):
    inputs, targets = FlipFlop(gap=5, steps_before=4).sample(N, generator)
    bit, write, ignore, read = inputs.unbind(-1)
    assert (write + ignore + read == 1).all()
    assert (write[4] == 1).all()
    assert not write[5:].any()
    assert (write[:4].mean(1) - 0.5).abs().max() < 0.015
    assert read.sum(1).tolist() == [0] * 9 + [N]
    assert torch.equal(bit[4] > 0, targets[0] == 1)
    inputs, targets = FlipFlop(gap=5, steps_before=4, ask="random").sample(N, generator)
    bit, write, ignore, read = inputs.unbind(-1)
    assert (write + ignore + read == 1).all()
    assert torch.equal(targets == UNASKED, read[1:] == 0)
    assert not bit[read == 1].any()
    told = torch.stack([write.mean(1), read.mean(1)], 1)
    lead, last = [[1, 0], *[[1 / 3, 1 / 3]] * 3, [1, 0]], [*[[0, 1 / 2]] * 4, [0, 1]]
    assert (told - torch.tensor([*lead, *last])).abs().max() < 0.015


def test_texts_are_equally_likely(generator):
    task = Language(gap=14)  # ten words: a lure and a sentence of three, in either order
    text = task.sample(N, generator).inputs.argmax(-1).T.tolist()
    found = [" ".join(task.vocabulary[word] for word in row) for row in text]
    assert_equally_likely([row.split()[6] == "My" for row in found], {True, False})
    people = [row.split()[6 if row.split()[6] != "My" else 13] for row in found]
    assert_equally_likely(people, set("She He Everyone Nobody".split()))
    task = Language(gap=7, about="agreement")  # words of three and four, one lure at least
    text = task.sample(N, generator).inputs.argmax(-1).T.tolist()
    found = [[task.vocabulary[word] for word in row] for row in text]
    mass = set("water sand music bread".split())
    last = [len(row) - 1 - max(row[::-1].index("the"), 0) for row in found]
    kinds = [(row[place - 2] in mass, place, row[-1] in mass) for row, place in zip(found, last)]
    expected = {(a, place, b) for a in (0, 1) for place in (6, 7) for b in (0, 1)} - {
        (1, place, 1) for place in (6, 7)
    }
    assert_equally_likely([tuple(map(int, kind)) for kind in kinds], expected)


def test_reverse_asks_the_same_sequences_backwards():
    for settings in ({}, {"longest_gap": 19}, {"score_on": "all"}):
        forward, reverse = (
            Copying(gap=14, order=order, **settings).sample(50, torch.Generator().manual_seed(1))
            for order in ("forward", "reverse")
        )
        assert torch.equal(forward.inputs, reverse.inputs)
        assert torch.equal(forward.targets[-10:].flip(0), reverse.targets[-10:])
        assert torch.equal(forward.targets[:-10], reverse.targets[:-10])
    task = Copying(gap=14, order="reverse")
    ages = task.ages(task.sample(3, torch.Generator().manual_seed(1)))
    assert ages.T.tolist() == [list(range(5, 24, 2))] * 3
    assert task.distances == (5, 23)
    assert task.span == 23


def test_the_delay_line_s_load_is_what_is_ever_needed():
    assert Delay(gap=20).load_bits == 20
    assert Delay(gap=20).sequence_length == 40
    assert Delay(gap=20, num_answers=5, alphabet_size=4).load_bits == 10


class Fixed(ClassificationTask):
    """Two classes, three answers, of which some are not asked."""

    def __init__(self):
        self.asks_all = False
        self.chance = Chance(1.0, 0.5)

    def sample(self, batch_size, generator):
        raise NotImplementedError

    def dependencies(self):
        raise NotImplementedError


def test_what_is_not_asked_counts_for_nothing():
    task, drawn = Fixed(), torch.Generator().manual_seed(0)
    outputs = torch.randn(4, 3, 6, 2, generator=drawn, requires_grad=True)
    targets = torch.randint(2, (4, 3, 6), generator=drawn)
    everything = (task.loss(outputs, targets), task.accuracy(outputs, targets))
    task.asks_all = True
    assert torch.equal(everything[0], task.loss(outputs, targets))
    assert torch.equal(everything[1], task.accuracy(outputs, targets))
    task.asks_all = False
    left_out = torch.rand(4, 3, 6, generator=drawn) < 0.5
    some = torch.where(left_out, UNASKED, targets)
    found, share = task.loss(outputs, some), task.accuracy(outputs, some)
    for replica in range(4):
        asked = ~left_out[replica]
        own, classes = outputs[replica][asked], targets[replica][asked]
        expected = torch.nn.functional.cross_entropy(own, classes)
        torch.testing.assert_close(found[replica], expected)
        right = (own.argmax(-1) == classes).float().mean()
        torch.testing.assert_close(share[replica], right)
    (gradient,) = torch.autograd.grad(found.sum(), outputs)
    assert not gradient[left_out].any()
    assert gradient[~left_out].abs().min() > 0


def test_a_batch_in_which_nothing_is_asked_costs_nothing():
    none = torch.full((3, 6), UNASKED)
    assert Fixed().loss(torch.randn(3, 6, 2), none) == 0
    assert Fixed().accuracy(torch.randn(3, 6, 2), none) == 0


def test_a_task_that_asks_all_has_no_target_that_is_none():
    task = Fixed()
    task.asks_all = True
    with pytest.raises(IndexError, match="-1 is out of bounds"):
        task.loss(torch.randn(3, 6, 2), torch.full((3, 6), UNASKED))
