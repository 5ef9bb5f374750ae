"""All tasks of the suite, from their shipped yamls and with all of their options."""

from pathlib import Path

import pytest
import torch
import yaml

from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import arguments_of
from rnnbench.task import Task
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

YAMLS = sorted((Path(__file__).parents[2] / "conf" / "task").glob("*.yaml"))

OPTIONS = {
    "copy": Copying(gap=14),
    "copy all": Copying(gap=14, score_on="all"),
    "copy scalar": Copying(gap=14, encoding="scalar"),
    "copy scalar all": Copying(gap=14, encoding="scalar", score_on="all"),
    "copy variable": Copying(gap=14, longest_gap=19),
    "copy variable all": Copying(gap=11, longest_gap=19, score_on="all", encoding="scalar"),
    "copy small": Copying(gap=3, alphabet_size=2, num_symbols=2),
    "adding": Adding(gap=12),
    "adding half": Adding(gap=12, layout="half"),
    "adding anywhere": Adding(gap=12, layout="anywhere"),
    "adding hs97": Adding(gap=30, layout="hs97", tolerance=0.04),
    "adding strict": Adding(gap=2, tolerance=0.04),
    "recall": DelayedRecall(gap=12),
    "recall blank": DelayedRecall(gap=12, distractors="blank"),
    "recall next step": DelayedRecall(gap=1, alphabet_size=3),
    "tracking": Tracking(gap=12),
    "tracking parity": Tracking(gap=12, group="z2"),
    "tracking updates": Tracking(gap=12, group="z5", updates=4),
    "tracking end": Tracking(gap=12, group="a5", ask="end"),
    "tracking updates end": Tracking(gap=12, group="s5", updates=3, ask="end"),
    "tracking next step": Tracking(gap=1, group="z2"),
    "keys": Keys(gap=12),
    "keys small": Keys(gap=1, num_keys=3, alphabet_size=2),
    "keys one": Keys(gap=5, num_keys=1),
    "delay": Delay(gap=12),
    "delay few": Delay(gap=12, alphabet_size=5, num_answers=3),
    "delay next step": Delay(gap=1, num_answers=9),
    "selective": Selective(gap=12),
    "selective all": Selective(gap=3, num_symbols=3, alphabet_size=2),
    "selective one": Selective(gap=9, num_symbols=1),
    "flip_flop": FlipFlop(gap=12, steps_before=3),
    "flip_flop at once": FlipFlop(gap=1, steps_before=0),
    "flip_flop random": FlipFlop(gap=12, ask="random"),
    "order": Order(gap=12),
    "order three": Order(gap=7, num_events=3),
    "brackets": Brackets(gap=13),
    "brackets next step": Brackets(gap=1),
    "brackets every": Brackets(gap=13, num_types=3, ask="every"),
    "language": Language(gap=20),
    "language plain": Language(gap=15, lures=False),
    "language agreement": Language(gap=14, about="agreement"),
    "language agreement plain": Language(gap=14, about="agreement", lures=False),
    "copy reverse": Copying(gap=14, order="reverse"),
    "copy reverse variable all": Copying(gap=14, longest_gap=19, order="reverse", score_on="all"),
    "adding product": Adding(gap=12, operation="product"),
    "adding three": Adding(gap=12, markers=3),
    "adding product of three": Adding(gap=12, markers=3, operation="product", tolerance=0.02),
    "adding one": Adding(gap=12, markers=1),
    "recall lure": DelayedRecall(gap=12, distractors="lure"),
    "recall variable": DelayedRecall(gap=12, longest_gap=17),
    "recall variable blank": DelayedRecall(gap=12, longest_gap=17, distractors="blank"),
    "recall variable lure": DelayedRecall(gap=3, longest_gap=6, distractors="lure"),
}


def from_yaml(path):
    section = yaml.safe_load(path.read_text())
    return find_class(section["_target_"], Task, "task")(**arguments_of(section))


TASKS = {**OPTIONS, **{f"yaml {path.stem}": from_yaml(path) for path in YAMLS}}


SYMBOLS = (Copying, DelayedRecall, Delay)  # an answer is a symbol that was shown, and no more
MOVING = {  # from sequence to sequence
    *("copy variable", "copy variable all", "copy reverse variable all"),
    *("recall variable", "recall variable blank", "recall variable lure"),
}


def chosen(holds):
    """Return the tasks for which something holds, by name."""
    return {name: task for name, task in TASKS.items() if holds(task)}


STEADY = chosen(lambda task: isinstance(task, SYMBOLS))
STEADY = {name: task for name, task in STEADY.items() if name not in MOVING}
FIXTURES = {
    "task": TASKS,
    "class_task": chosen(lambda task: not isinstance(task, Adding)),
    # Whose symbols stand at the same time steps in every sequence: test_gap.py has the others.
    "symbol_task": STEADY,
    "steady_task": {**STEADY, **chosen(lambda task: isinstance(task, Adding))},
    # Whose content is more than the one number of a channel.
    "forgetful_task": chosen(lambda task: isinstance(task, Adding) or task.input_size > 1),
}


def pytest_generate_tests(metafunc):
    for fixture, tasks in FIXTURES.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, list(tasks.values()), ids=list(tasks))


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)
