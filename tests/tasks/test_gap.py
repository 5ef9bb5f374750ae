"""The gap is exact, and nothing after the needed inputs tells the answer."""

import math

import pytest
import torch

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall

N = 20_000


def correlation(features, answers):
    """Return the largest correlation of any feature `(N, F)` with any answer `(N, A)`."""
    x = features.double() - features.double().mean(0)
    y = answers.double() - answers.double().mean(0)
    x = x / x.norm(dim=0).clamp(min=1e-9)
    y = y / y.norm(dim=0).clamp(min=1e-9)
    return (x.T @ y).abs().max().item() if x.shape[1] else 0.0


def test_a_symbol_is_told_at_one_time_step_alone_the_gap_before_its_answer(symbol_task, generator):
    """Measured from the data alone; adding's markers move, and have tests of their own below."""
    task = symbol_task
    inputs, targets = task.sample(N, generator)
    flat = inputs.transpose(0, 1)
    noise = 5 / N**0.5
    for k, (needed, read) in enumerate(task.dependencies().tolist()):
        answers = torch.nn.functional.one_hot(targets[k], task.output_size)
        if needed < 0:
            assert answers.unique(dim=0).shape[0] == 1
            continue
        telling = {
            t for t in range(task.sequence_length) if correlation(flat[:, t], answers) > noise
        }
        assert telling == {needed}
        if isinstance(task, Copying) and task.order == "reverse":
            assert read - needed == task.gap - task.num_symbols + 1 + 2 * k
        else:
            assert read - needed == task.gap


def markers(inputs):
    """Return the time steps `(N,)` of the first and of the second marker."""
    marker = inputs[..., 1]
    assert set(marker.unique().tolist()) <= {-1, 0, 1}
    marker = (marker == 1).int()
    assert (marker.sum(0) == 2).all()
    first = marker.argmax(0)
    second = len(marker) - 1 - marker.flip(0).argmax(0)
    return first, second


@pytest.mark.parametrize("gap", [2, 3, 12])
def test_adding_s_first_marker_is_always_the_gap_before_the_answer(gap, generator):
    task = Adding(gap=gap)
    first, second = markers(task.sample(N, generator).inputs)
    distance = task.sequence_length - 1 - first
    assert (distance == gap).all()
    assert set(second.tolist()) == set(range(1, gap))
    share = torch.bincount(second, minlength=gap)[1:] / N
    assert (share - 1 / (gap - 1)).abs().max() < 0.02


def test_adding_in_halves_has_distances_from_the_gap_up(generator):
    task = Adding(gap=12, layout="half")
    first, second = markers(task.sample(N, generator).inputs)
    distance = (task.sequence_length - 1 - first).double()
    assert (distance.min(), distance.max()) == (task.gap, task.sequence_length - 1)
    assert abs(distance.mean() - (0.75 * task.sequence_length - 0.5)) < 0.15
    assert set(first.tolist()) == set(range(task.gap))
    assert set(second.tolist()) == set(range(task.gap, task.sequence_length))
    assert task.dependencies().tolist() == [[11, 23]]
    assert task.distances == (12, 23)


def test_adding_anywhere_marks_every_pair_of_steps_alike(generator):
    task = Adding(gap=7, layout="anywhere")
    first, second = markers(task.sample(N, generator).inputs)
    assert task.sequence_length == 8
    counts = torch.bincount(8 * first + second, minlength=64).view(8, 8)
    pairs = torch.triu(torch.ones(8, 8), 1).bool()
    assert counts[~pairs].sum() == 0
    share = N / 28
    assert ((counts[pairs] - share).square() / share).sum() < 28 + 5 * 56**0.5
    distance = (7 - first).double()
    assert (distance.min(), distance.max()) == task.distances == (1, task.gap)
    assert abs(distance.mean() - (2 * 8 - 1) / 3) < 0.05


def length_of(inputs):
    """Return the lengths `(N,)` of sequences after blank time steps, by the sign at the start."""
    return len(inputs) - (inputs != 0).any(-1).int().argmax(0)


def test_adding_as_in_1997(generator):
    task = Adding(gap=30, layout="hs97")  # T = 40
    inputs, _ = task.sample(N, generator)
    value, marker = inputs.unbind(-1)
    first, second = markers(inputs)
    length = length_of(inputs)
    start = task.sequence_length - length
    columns = torch.arange(N)
    assert set(length.tolist()) == {40, 41, 42, 43, 44}
    assert (torch.bincount(length)[40:] / N - 0.2).abs().max() < 0.015
    time = torch.arange(task.sequence_length)[:, None]
    assert not inputs[(time < start).expand(-1, N)].any()
    shown = value[(time >= start).expand(-1, N)]
    assert shown.min() >= -1 and shown.max() <= 1
    assert abs(shown.mean()) < 0.01
    assert abs(shown.square().mean() - 1 / 3) < 0.01
    assert (marker[-1] == -1).all()
    at_start = marker[start, columns]
    assert torch.equal(at_start == 1, first == start)
    assert (at_start[first != start] == -1).all()
    assert (marker.abs().sum(0) == 2 + (marker == -1).sum(0)).all()
    assert (first - start).max() == 9
    assert (second - start).max() == 19
    distance = task.sequence_length - 1 - first
    assert (distance.min(), distance.max()) == task.distances == (30, 43)
    assert task.dependencies().tolist() == [[13, 43]]


def test_places_and_lengths_of_1997_are_independent_and_uniform(generator):
    """Of the ordered pairs: the first among 10 steps, the second among 10 of those unmarked."""
    task = Adding(gap=12, layout="hs97")  # T = 22: places 0 to 10, lengths 22 to 24
    inputs, _ = task.sample(N, generator)
    first, second = markers(inputs)
    start = task.sequence_length - length_of(inputs)
    code = ((first - start) * 11 + (second - start)) * 3 + start
    counts = torch.bincount(code, minlength=363).view(11, 11, 3).double()
    # Both marks in the first ten come about in two orders, one at step 10 in one.
    expected = torch.zeros(11, 11, 3)
    for low in range(10):
        for high in range(low + 1, 11):
            expected[low, high] = N * (2 if high < 10 else 1) / 100 / 3
    assert counts[expected == 0].sum() == 0
    cells = expected > 0
    chi_square = ((counts - expected)[cells].square() / expected[cells]).sum()
    assert chi_square < cells.sum() + 5 * (2 * cells.sum()) ** 0.5


@pytest.mark.parametrize("layout", ["half", "anywhere", "hs97"])
def test_no_single_input_tells_the_answer_of_a_layout_but_at_the_markers(layout, generator):
    """With the marked values hidden, nothing that is left correlates with the answer."""
    task = Adding(gap=12, layout=layout)
    inputs, targets = task.sample(N, generator)
    hidden = torch.where(inputs[..., 1] == 1, 0.0, inputs[..., 0])
    centred = torch.where(inputs[..., 1] == 1, 0.0, hidden - (layout != "hs97") * 0.5)
    left = torch.cat([centred, inputs[..., 1]]).T
    assert correlation(left, targets.T) < 5 / N**0.5


def test_variable_copy_shows_its_symbols_from_the_gap_to_the_longest_before(generator):
    task = Copying(gap=14, longest_gap=19)
    inputs, targets = task.sample(N, generator)
    shown = inputs.argmax(-1)
    assert task.sequence_length == 29
    assert (shown[18] == 9).all()
    assert ((shown == 9).sum(0) == 1).all()
    is_symbol = shown < 8
    start = is_symbol.int().argmax(0)
    for k in range(10):
        assert torch.equal(shown[start + k, torch.arange(N)], targets[k])
    assert (is_symbol.sum(0) == 10).all()
    distance = 19 - start  # answer k is read at 19 + k
    assert (distance.min(), distance.max()) == task.distances == (14, 19)
    counts = torch.bincount(distance)[14:] / N
    assert (counts - 1 / 6).abs().max() < 0.015
    assert correlation(start[:, None], targets.T) < 5 / N**0.5
    assert task.dependencies().tolist() == [[5 + k, 19 + k] for k in range(10)]


def test_an_initialisation_reckons_with_the_longest_distance_of_variable_copy():
    assert Copying(gap=11, longest_gap=510).span == 510
    assert Copying(gap=14).span == Copying(gap=14).gap == 14


def test_distances_are_the_gap_where_they_do_not_vary():
    for task in (Copying(gap=14), Adding(gap=9), DelayedRecall(gap=3)):
        assert task.distances == (task.gap, task.gap)


def all_that_is_drawn(task, generator):
    """Return all that is drawn, one digit per row `(D, N)`, and the number of values of each."""
    inputs = task.sample(N, generator).inputs
    if isinstance(task, DelayedRecall):
        return inputs[: task.gap, :, 1].long(), [2] * task.gap
    if isinstance(task, Copying) and task.longest_gap is None:
        return inputs[: task.num_symbols, :, 1].long(), [2] * task.num_symbols
    if isinstance(task, Copying):
        shown = inputs.argmax(-1)
        start = (shown < 2).int().argmax(0)
        row = torch.arange(task.num_symbols)[:, None]
        symbols = shown[start + row, torch.arange(N)]
        count = task.longest_gap - task.gap + 1
        return torch.cat([symbols, start[None]]), [*[2] * task.num_symbols, count]
    first, second = markers(inputs)
    large = (inputs[..., 0] > 0.5).long()
    sizes = [2] * task.sequence_length
    if task.layout == "exact":
        return torch.cat([large, (second - 1)[None]]), [*sizes, task.gap - 1]
    return torch.cat([large, torch.stack([first, second - task.gap])]), [*sizes, *[task.gap] * 2]


@pytest.mark.parametrize(
    "small_task",
    [
        Copying(gap=6, alphabet_size=2, num_symbols=5),
        Copying(gap=4, alphabet_size=2, num_symbols=3, longest_gap=6),
        Adding(gap=4),
        Adding(gap=2, layout="half"),
        DelayedRecall(gap=5, alphabet_size=2),
    ],
    ids=["copy", "copy variable", "adding", "adding half", "recall"],
)
def test_all_combinations_are_equally_likely_so_that_no_part_tells_of_another(
    small_task, generator
):
    """Pairwise independence would let through distractors that tell the cue by their sum."""
    digits, sizes = all_that_is_drawn(small_task, generator)
    code = torch.zeros(N, dtype=torch.int64)
    for digit, size in zip(digits, sizes):
        assert digit.min() == 0
        assert digit.max() == size - 1
        code = code * size + digit
    cells = math.prod(sizes)
    counts = torch.bincount(code, minlength=cells).double()
    chi_square = ((counts - N / cells).square() / (N / cells)).sum()
    assert chi_square < cells + 5 * (2 * cells) ** 0.5


@pytest.mark.parametrize("distractors", ["noise", "blank"])
def test_recall_shows_cue_and_query_once(distractors, generator):
    task = DelayedRecall(gap=9, distractors=distractors)
    inputs, targets = task.sample(500, generator)
    cue, query = inputs[..., 8], inputs[..., 9]
    assert cue.sum(0).tolist() == query.sum(0).tolist() == [1] * 500
    assert (cue.argmax(0) == 0).all()
    assert (query.argmax(0) == task.gap).all()
    assert torch.equal(inputs[0, :, :8].argmax(-1), targets[0])
    shown = inputs[..., :8].sum(-1)
    assert (shown[1:-1] == (distractors == "noise")).all()
    assert (shown[-1] == 0).all()


def test_recall_s_distractors_are_uniform(generator):
    inputs, _ = DelayedRecall(gap=9).sample(N, generator)
    share = inputs[1:-1, :, :8].mean((0, 1))
    assert (share - 1 / 8).abs().max() < 0.005


@pytest.mark.parametrize("score_on", ["answers", "all"])
def test_copy_shows_symbols_first_one_marker_before_the_answers_and_blanks_else(
    score_on, generator
):
    task = Copying(gap=14, score_on=score_on)
    inputs, targets = task.sample(500, generator)
    shown = inputs.argmax(-1)
    assert torch.equal(shown[:10], targets[-10:])
    assert (shown[13] == 9).all()
    assert (shown[10:13] == 8).all()
    assert (shown[14:] == 8).all()
    assert task.sequence_length == 24


def test_exactly_the_answer_steps_are_scored(task):
    read = task.dependencies()[:, 1].tolist()
    first = task.sequence_length - task.answer_length
    assert read == list(range(first, task.sequence_length))
    if isinstance(task, Copying):
        assert task.answer_length == (
            task.sequence_length if task.score_on == "all" else task.num_symbols
        )
