"""All tasks of the suite, from their shipped yamls and with all of their options."""

from pathlib import Path

import pytest
import torch
import yaml

from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import arguments_of
from rnnbench.task import Task
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delayed_recall import DelayedRecall

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
}


def from_yaml(path):
    section = yaml.safe_load(path.read_text())
    return find_class(section["_target_"], Task, "task")(**arguments_of(section))


TASKS = {**OPTIONS, **{f"yaml {path.stem}": from_yaml(path) for path in YAMLS}}


def pytest_generate_tests(metafunc):
    if "task" in metafunc.fixturenames:
        metafunc.parametrize("task", list(TASKS.values()), ids=list(TASKS))
    if "steady_task" in metafunc.fixturenames:
        # Copy of variable length moves the symbols' own places: test_gap.py has it.
        moving = {
            name
            for name, task in TASKS.items()
            if isinstance(task, Copying) and task.distances[0] < task.distances[1]
        }
        assert moving == {"copy variable", "copy variable all"}
        chosen = {name: task for name, task in TASKS.items() if name not in moving}
        metafunc.parametrize("steady_task", list(chosen.values()), ids=list(chosen))
    if "symbol_task" in metafunc.fixturenames:
        chosen = {
            name: task
            for name, task in TASKS.items()
            if not isinstance(task, Adding) and task.distances == (task.gap, task.gap)
        }
        metafunc.parametrize("symbol_task", list(chosen.values()), ids=list(chosen))


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)
