"""What every task promises: shapes, types, and draws from the given generator alone."""

import inspect

import pytest
import torch
import yaml

from rnnbench.experiment.class_path import TASKS, find_class
from rnnbench.task import UNASKED, ClassificationTask, RegressionTask, Task
from rnnbench.tasks.brackets import Brackets

from .conftest import YAMLS, from_yaml

CLASSES = [find_class(path, Task, "task") for path in TASKS]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second))


def test_shapes_and_types(task, generator):
    inputs, targets = task.sample(7, generator)
    assert inputs.shape == (task.sequence_length, 7, task.input_size)
    assert targets.shape == (task.answer_length, 7)
    assert inputs.dtype == torch.float32
    if isinstance(task, RegressionTask):
        assert targets.dtype == torch.float32
        assert task.output_size == 1
    else:
        assert targets.dtype == torch.int64
        assert (targets.min() >= 0) == task.asks_all
        assert targets.min() >= UNASKED
        assert targets.max() < task.output_size
    assert 1 <= task.answer_length <= task.sequence_length


def test_the_generator_decides_and_nothing_else_is_drawn_from_or_changed(task):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = task.sample(9, seeded(5))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert same(first, task.sample(9, seeded(5)))
    assert not torch.equal(first.inputs, task.sample(9, seeded(6)).inputs)
    generator = seeded(5)
    task.sample(9, generator)
    assert not torch.equal(first.inputs, task.sample(9, generator).inputs)


def test_every_part_that_varies_is_drawn_anew_from_the_generator(task):
    """A part drawn from a generator of its own would come back the same."""
    generator = seeded(5)
    first, other, again = (task.sample(512, g).inputs for g in (generator, seeded(6), generator))
    varies = (first != first[:, :1]).flatten(0, 1).any(0)
    assert varies.any()
    for channel in varies.nonzero().flatten():
        assert not torch.equal(first[..., channel], other[..., channel])
        assert not torch.equal(first[..., channel], again[..., channel])


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_batch_lives_on_the_generators_device(task):
    batch = task.sample(4, torch.Generator("cuda").manual_seed(0))
    assert batch.inputs.is_cuda
    assert batch.targets.is_cuda


def test_sequences_of_a_batch_differ_and_do_not_share_memory(task, generator):
    inputs, targets = task.sample(64, generator)
    assert len({tuple(x.flatten().tolist()) for x in inputs.unbind(1)}) > 1
    kept = targets.clone()
    inputs.zero_()
    assert torch.equal(targets, kept)


def test_loss_and_accuracy_keep_leading_axes_and_average_the_rest(task, generator):
    _, targets = task.sample(6, generator)
    outputs = torch.randn(3, 2, *targets.shape, task.output_size, generator=generator)
    stacked = targets.expand(3, 2, *targets.shape)
    for measure in (task.loss, task.accuracy):
        together = measure(outputs, stacked)
        assert together.shape == (3, 2)
        for r in range(3):
            for s in range(2):
                torch.testing.assert_close(measure(outputs[r, s], targets), together[r, s])
        if not task.asks_all:  # sequences have different numbers of answers
            continue
        per_sequence = [
            measure(outputs[0, 0][:, b : b + 1], targets[:, b : b + 1]) for b in range(6)
        ]
        torch.testing.assert_close(torch.stack(per_sequence).mean(), together[0, 0])


def test_score_is_zero_at_chance_and_one_when_perfect(task):
    assert task.score(task.chance.loss, task.chance.accuracy) == pytest.approx(0, abs=1e-12)
    assert task.score(0.0, 1.0) == pytest.approx(1)


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
def test_a_yaml_names_every_argument_and_its_default_is_the_class_s(path):
    section = yaml.safe_load(path.read_text())
    parameters = inspect.signature(type(from_yaml(path)).__init__).parameters
    names = [name for name in parameters if name != "self"]
    assert set(section) == {"_target_", "name", "gap_schedule", *names}
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in names)
    defaults = {n: parameters[n].default for n in names if n != "gap"}
    assert defaults == {n: section[n] for n in defaults}


def test_all_tasks_have_a_yaml():
    assert {type(from_yaml(path)) for path in YAMLS} == set(CLASSES)
    assert all(issubclass(kind, (ClassificationTask, RegressionTask)) for kind in CLASSES)


def test_at_another_gap_only_the_gap_differs(task, generator):
    longer = task.gap + (2 if isinstance(task, Brackets) else 1)
    other = task.at_gap(longer)
    assert type(other) is type(task)
    assert other.gap == longer
    back = other.at_gap(task.gap)
    assert same(task.sample(6, seeded(3)), back.sample(6, seeded(3)))
    settings = inspect.signature(type(task)).parameters.keys() - {"gap"}
    assert {s: getattr(back, s, None) for s in settings} == {
        s: getattr(task, s, None) for s in settings
    }


def test_a_gap_that_the_task_has_not_is_refused(task):
    with pytest.raises(ValueError, match="gap must"):
        task.at_gap(0)
