"""Each cell solves a short task that it is known to learn, on most seeds, from its own start."""

from pathlib import Path

import pytest
import yaml

from rnnbench.cell import Cell
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import Replica, arguments_of
from rnnbench.training.trainer import Recipe, Trainer
from tasks.copying import Copying
from tasks.delayed_recall import DelayedRecall

YAMLS = Path(__file__).parents[2] / "conf" / "cell"
SEEDS = range(5)
# One of four symbols over 20 time steps, among others or alone; three of them in order.
RECALL = DelayedRecall(gap=20, alphabet_size=4)
BLANK = DelayedRecall(gap=20, alphabet_size=4, distractors="blank")
COPY = Copying(gap=10, alphabet_size=4, num_symbols=3)
# Task, hidden size, learning rate, steps, and how many of the seeds solve it at least.
LEARNS = {
    "indrnn": (RECALL, 32, 3e-3, 800, 4),
    "linoss": (BLANK, 32, 3e-3, 500, 4),
    "lru": (COPY, 32, 3e-3, 500, 4),
    "mingru": (RECALL, 32, 2e-2, 1500, 4),
    "minlstm": (RECALL, 32, 2e-2, 1500, 4),
    "minmax": (RECALL, 32, 1e-2, 1000, 4),
    "rg_lru": (RECALL, 32, 1e-2, 800, 4),
    "s6": (RECALL, 32, 1e-2, 500, 4),
    "slstm": (RECALL, 32, 1e-2, 1000, 4),
}
# One of each kind: classical, gated, input-gated, linear, oscillating.
OFTEN = {"indrnn", "linoss", "lru", "rg_lru", "slstm"}
CASES = [
    pytest.param(name, marks=pytest.mark.slow if name in OFTEN else pytest.mark.long)
    for name in LEARNS
]


@pytest.mark.parametrize("name", CASES)
def test_a_cell_solves_what_it_is_known_to_learn(name):
    task, hidden, rate, steps, least = LEARNS[name]
    section = yaml.safe_load((YAMLS / f"{name}.yaml").read_text())
    cell = find_class(section["_target_"], Cell, "cell")(**arguments_of(section))
    recipe = Recipe(
        hidden_size=hidden,
        steps=steps,
        batch_size=32,
        clip_norm=1.0,
        eval_every=50,
        eval_size=512,
        engine="compiled",
    )
    replicas = [Replica(seed, rate) for seed in SEEDS]
    left = [outcome for step in Trainer(task, cell, recipe, replicas).run() for outcome in step]
    assert sum(outcome.status == "solved" for outcome in left) >= least
