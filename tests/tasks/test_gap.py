"""The gap is exact, and nothing after the needed inputs tells the answer."""

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


def markers(task, generator):
    marker = task.sample(N, generator).inputs[..., 1]
    assert set(marker.unique().tolist()) == {0, 1}
    assert (marker.sum(0) == 2).all()
    first = marker.argmax(0)
    second = task.sequence_length - 1 - marker.flip(0).argmax(0)
    return first, second


@pytest.mark.parametrize("gap", [2, 3, 12])
def test_adding_s_first_marker_is_always_the_gap_before_the_answer(gap, generator):
    task = Adding(gap=gap)
    first, second = markers(task, generator)
    distance = task.sequence_length - 1 - first
    assert (distance == gap).all()
    assert set(second.tolist()) == set(range(1, gap))
    share = torch.bincount(second, minlength=gap)[1:] / N
    assert (share - 1 / (gap - 1)).abs().max() < 0.02


def test_adding_in_halves_has_distances_from_the_gap_up(generator):
    task = Adding(gap=12, layout="half")
    first, second = markers(task, generator)
    distance = (task.sequence_length - 1 - first).double()
    assert (distance.min(), distance.max()) == (task.gap, task.sequence_length - 1)
    assert abs(distance.mean() - (0.75 * task.sequence_length - 0.5)) < 0.15
    assert (second >= task.gap).all()
    assert task.dependencies().tolist() == [[11, 23]]


def test_adding_needs_both_marked_values_and_no_other(generator):
    task = Adding(gap=6)
    inputs, targets = task.sample(200, generator)
    for t in range(task.sequence_length):
        changed = inputs.clone()
        changed[t, :, 0] += 1.0
        value, marker = changed.unbind(-1)
        moved = (value * marker).sum(0) != targets[0]
        assert torch.equal(moved, inputs[t, :, 1] == 1)


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
