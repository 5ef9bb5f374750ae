"""A linear read-out finds a cue that is in the state, and only then."""

import pytest
import torch

from rnnbench.cell import Cell
from rnnbench.diagnose.measures import NOISE, measure_network, oldest_answer, recoverable
from rnnbench.diagnose.network import Unrolled
from rnnbench.layers import Layers
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall


class Latch(Cell):
    """Takes the symbol in where the flag of recall's cue is up, and keeps it: h' = h + x f."""

    gates = {"x": "x", "f": "x", "nothing": "h"}
    states = ("h",)

    def update(self, x, f, nothing, h):
        return h + x * f


def latch(task):
    """Return the latch with weights set by hand: 8 symbols into 8 units."""
    size = task.alphabet_size
    weights = torch.zeros(2 * size, task.input_size)
    weights[:size, :size] = torch.eye(size)
    weights[size:, size] = 1  # the cue's flag
    shapes = Latch().shapes(task.input_size, size)
    parameters = {f"rnn.{name}": torch.zeros(1, *shape) for name, shape in shapes.items()}
    parameters["rnn.weight_ih_l0"][0] = weights
    parameters["readout.weight"] = torch.eye(size)[None]
    parameters["readout.bias"] = torch.zeros(1, size)
    return Unrolled(Latch(), {k: v.double() for k, v in parameters.items()}, Layers())


def sample(task, size=400):
    batch = task.sample(size, torch.Generator().manual_seed(5))
    return batch._replace(inputs=batch.inputs.double())


def noise():
    return torch.Generator().manual_seed(1)


def test_a_cell_that_stores_the_cue_keeps_it_to_the_end():
    task = DelayedRecall(gap=6)
    found = measure_network(latch(task), task, sample(task), oldest_answer(task), None)
    assert found["cue"] == [1.0] * 7


def test_a_cue_that_was_never_shown_is_at_chance():
    """As many units as fit sequences could tell it by heart: held out, they tell nothing."""
    task = DelayedRecall(gap=6)
    batch = sample(task, 1024)
    batch.inputs[0, :, : task.alphabet_size] = 0
    found = measure_network(latch(task), task, batch, oldest_answer(task), None)
    assert max(map(abs, found["cue"])) < 0.06
    generator = torch.Generator().manual_seed(2)
    states = torch.randn(256, 200, generator=generator)
    cue = torch.randint(8, (256,), generator=generator)
    assert abs(recoverable(states, cue, noise())) < 0.12
    assert recoverable(states, torch.rand(256, generator=generator), noise()) < 0.1


def test_values_are_recovered_as_explained_variance():
    """A value beside independent noise of the same spread: R^2 of the best line is 1/2."""
    generator = torch.Generator().manual_seed(3)
    value, other = torch.randn(2, 4000, generator=generator).double()
    states = torch.stack([value + other, torch.ones_like(value)], 1)
    assert recoverable(states, value, noise()) == pytest.approx(0.5, abs=0.03)
    assert recoverable(value[:, None], value, noise()) > 0.99


def test_half_of_the_classes_told_is_scored_by_hand():
    """Eight classes of which the state tells only in which pair: right in 1/2, chance 1/8."""
    cue = torch.arange(4000) % 8
    cue = cue[torch.randperm(4000, generator=noise())]
    states = torch.nn.functional.one_hot(cue // 2, 4).double()
    found = recoverable(states, cue, noise())
    assert found == pytest.approx((1 / 2 - 1 / 8) / (1 - 1 / 8), abs=0.04)


def test_a_trace_far_below_the_noise_counts_as_lost():
    cue = torch.randint(4, (1024,), generator=torch.Generator().manual_seed(4))
    trace = torch.nn.functional.one_hot(cue, 4).double()
    assert recoverable(30 * NOISE * trace, cue, noise()) > 0.99
    assert recoverable(1e-4 * trace, cue, noise()) < 0.1


def test_each_task_tells_what_was_shown_at_the_oldest_time_step():
    recall, copying, adding = DelayedRecall(gap=4), Copying(gap=12), Adding(gap=9)
    for task in (recall, copying, Copying(gap=12, score_on="all")):
        batch = sample(task)
        shown = batch.inputs[oldest_answer(task).cue_time, :, : task.alphabet_size]
        assert torch.equal(task.cue(batch), shown.argmax(1))
    batch = sample(adding)
    assert torch.equal(adding.cue(batch), batch.inputs[0, :, 0])
    for layout in ("half", "anywhere", "hs97"):
        task = Adding(gap=12, layout=layout)
        values, marks = sample(task).inputs.unbind(2)
        for column, told in enumerate(task.cue(sample(task))):
            older = [t for t, mark in enumerate(marks[:, column]) if mark == 1][0]
            assert told == values[older, column]


def test_noise_is_in_what_is_read_and_the_ridge_is_as_much_again():
    """A value v of spread 1 in one unit as NOISE v: the ridge's line tells v / 3 and as much noise.

    R^2 is 1 - (2/3)^2 - (1/3)^2 = 4/9; it would be 3/4 without the noise, 1/2 without the ridge.
    """
    value = torch.randn(8000, generator=torch.Generator().manual_seed(6)).double()
    assert recoverable(NOISE * value[:, None], value, noise()) == pytest.approx(4 / 9, abs=0.02)


def test_a_task_that_does_not_tell_its_cue_leaves_it_out():
    task = DelayedRecall(gap=3)
    task.cue = lambda batch: None
    found = measure_network(latch(task), task, sample(task), oldest_answer(task), None)
    assert found["cue"] is None
