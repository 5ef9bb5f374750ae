"""The gap is exact, and nothing after the needed inputs tells the answer."""

import math

import pytest
import torch

from tasks.adding import Adding
from tasks.copying import Copying
from tasks.delayed_recall import DelayedRecall

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
        assert read - needed == task.gap


def markers(inputs):
    """Return the time steps `(N,)` of the first and of the second marker."""
    marker = inputs[..., 1]
    assert set(marker.unique().tolist()) == {0, 1}
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


def all_that_is_drawn(task, generator):
    """Return all that is drawn, one digit per row `(D, N)`, and the number of values of each."""
    inputs = task.sample(N, generator).inputs
    if isinstance(task, DelayedRecall):
        return inputs[: task.gap, :, 1].long(), [2] * task.gap
    if isinstance(task, Copying):
        return inputs[: task.num_symbols, :, 1].long(), [2] * task.num_symbols
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
        Adding(gap=4),
        Adding(gap=2, layout="half"),
        DelayedRecall(gap=5, alphabet_size=2),
    ],
    ids=["copy", "adding", "adding half", "recall"],
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
    else:
        assert task.answer_length == 1
