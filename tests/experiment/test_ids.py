"""Ids are for good: stored runs are found by them, whatever comes to the suite later."""

import json
import sys
from pathlib import Path

import pytest

from rnnbench.cells import GRU
from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.console import Mistake
from rnnbench.experiment import condition, limits
from rnnbench.experiment.condition import Condition, added_arguments
from rnnbench.guess.search import search_id
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.recipe import make_recipe

CONF = Path(__file__).parents[2] / "conf"
LINES = Path(__file__).with_name("shipped_ids.txt").read_text().splitlines()
SHIPPED = [line for line in LINES if not line.startswith("#")]


def names(folder):
    return sorted(path.stem for path in (CONF / folder).glob("*.yaml"))


COMMANDS = {name: f"+sweep={name}" for name in names("sweep")}
COMMANDS["defaults"] = f"task={','.join(names('task'))} cell={','.join(names('cell'))}"


def jobs(words):
    return [job for sweep in make_sweeps(compose(words)) for job in sweep.jobs]


@pytest.mark.parametrize(
    "name",
    [pytest.param(own, marks=pytest.mark.long) if own == "atlas" else own for own in COMMANDS],
)
def test_every_shipped_condition_can_be_trained_and_keeps_its_ids(in_tmp, name):
    found = []
    for sweep in make_sweeps(compose(COMMANDS[name].split())):
        assert name in (sweep.name, "defaults")
        for made, replicas in sweep.jobs:
            assert made.build_task().gap == made.task["gap"]
            made.build_cell()
            make_recipe(made, "reference", "cpu")
            ids = f"{made.condition_id} {made.run_id(replicas[0])}"
            found.append(f"{name} {ids} {made.name}")
    assert found == [line for line in SHIPPED if line.split()[0] == name]


def test_they_are_those_of_different_conditions():
    assert {line.split()[0] for line in SHIPPED} == COMMANDS.keys()
    assert len({tuple(line.split()[:2]) for line in SHIPPED}) == len(SHIPPED)


class Cell(GRU):
    """A cell of one's own, before it gets an argument."""


class WithShift(GRU):
    """The same later."""

    added = ("shift",)

    def __init__(self, *, init: str = "torch", keep_bias: float = 0.0, shift: float = 0.5):
        super().__init__(init=init, keep_bias=keep_bias)


class Task(DelayedRecall):
    """A task of one's own, before it gets an argument."""

    def __init__(self, *, gap: int, alphabet_size: int = 8, longest_gap: int | None = None):
        super().__init__(gap=gap, alphabet_size=alphabet_size)


class WithPause(DelayedRecall):
    """The same later."""

    added = ("pause",)

    def __init__(
        self,
        *,
        gap: int,
        alphabet_size: int = 8,
        longest_gap: int | None = None,
        pause: int | None = None,
    ):
        super().__init__(gap=gap, alphabet_size=alphabet_size)


TASK = ["task=recall", "~task.distractors", "task.gap=6"]
TASK += [f"task._target_={__name__}.Task", f"cell._target_={__name__}.Cell", "cell=gru"]
LATER = {"Cell": (WithShift, "cell", "shift", 1.5), "Task": (WithPause, "task", "pause", 3)}


def first(*words):
    return jobs([*TASK, *words])[0][0]


@pytest.mark.parametrize("name", LATER)
def test_a_later_argument_is_part_of_an_id_only_beside_its_default(in_tmp, monkeypatch, name):
    kind, part, argument, other = LATER[name]
    before = first()
    searched = search_id(before, 9)
    monkeypatch.setattr(sys.modules[__name__], name, kind)
    default = first()
    assert default.condition_id == before.condition_id
    assert search_id(default, 9) == searched
    assert argument in getattr(default, part)
    assert argument not in default.settings[part]
    beside = first(f"+{part}.{argument}={other}")
    assert beside.condition_id != before.condition_id
    assert search_id(beside, 9) != searched
    assert beside.settings[part][argument] == other


@pytest.mark.parametrize("name", LATER)
def test_settings_may_hold_or_lack_it(in_tmp, monkeypatch, name):
    kind, part, argument, _ = LATER[name]
    monkeypatch.setattr(sys.modules[__name__], name, kind)
    made = first()
    full = {"task": made.task, "cell": made.cell}
    for settings in (made.settings, {**made.settings, **full}):
        read = Condition.from_settings(json.loads(json.dumps(settings)), trusted=False)
        assert read == made
        assert read.condition_id == made.condition_id


@pytest.mark.parametrize("part", ["task", "cell", "model", "trainer"])
def test_a_later_setting_of_the_suite_is_part_of_an_id_only_beside_its_default(
    in_tmp, monkeypatch, part
):
    before = first()
    monkeypatch.setattr(condition, "NOT_ARGUMENTS", (*condition.NOT_ARGUMENTS, "warmup"))
    monkeypatch.setitem(limits.LATER, part, {**limits.LATER[part], "warmup": 0})
    for told in ({}, {"warmup": 0}):
        settings = {**before.settings, part: {**getattr(before, part), **told}}
        made = Condition.from_settings(settings, trusted=True)
        assert getattr(made, part)["warmup"] == 0
        assert made.condition_id == before.condition_id
    settings[part] = {**settings[part], "warmup": 9}
    assert Condition.from_settings(settings, trusted=True).condition_id != before.condition_id


def test_the_precision_of_products_is_part_of_an_id_only_beside_float32_s_own():
    (condition, _), *_ = jobs(["task=recall"])
    on_gpu = {**condition.settings, "engine": "triton"}
    ids = {}
    for precision in ("strict", "tf32", "tf32x3"):
        model = {**condition.model, "precision": precision}
        ids[precision] = Condition.from_settings({**on_gpu, "model": model}, trusted=True)
    assert ids["strict"].settings == on_gpu
    assert len({each.condition_id for each in ids.values()}) == 3
    double = {**ids["tf32"].settings, "dtype": "float64"}
    with pytest.raises(ValueError, match="strict unless engine=triton and dtype=float32, got tf32"):
        Condition.from_settings(double, trusted=True)


class Wrong(GRU):
    """A cell that names what is no argument."""

    added = ("shfit",)


class Needed(GRU):
    """A cell that names an argument without a default."""

    added = ("shift",)

    def __init__(self, *, shift: float):
        super().__init__()


class Narrowed(WithShift):
    """A cell whose constructor does not take what came to its base class."""

    def __init__(self, *, init: str = "torch", keep_bias: float = 0.0):
        super().__init__(init=init, keep_bias=keep_bias)


class Widened(WithShift):
    """A cell with a later argument beside that of its base class."""

    added = ("stretch",)

    def __init__(self, *, shift: float = 0.5, stretch: float = 1.0):
        super().__init__()


def test_what_came_later_is_named_by_the_class_and_its_bases():
    assert added_arguments(GRU) == added_arguments(Narrowed) == {}
    assert added_arguments(Widened) == {"shift": 0.5, "stretch": 1.0}


@pytest.mark.parametrize(("name", "wrong"), [("Wrong", "shfit"), ("Needed", "shift")])
def test_a_name_that_is_no_argument_with_a_default_is_one_line(in_tmp, name, wrong):
    words = ["~cell.init", "~cell.keep_bias", "+cell.shift=1.0"] if name == "Needed" else []
    with pytest.raises(Mistake, match=f"added must name arguments with a default, got '{wrong}'$"):
        first(f"cell._target_={__name__}.{name}", *words)
