"""Each cell solves a short task that it is known to learn, on most seeds, from its own start."""

from pathlib import Path

import pytest
import yaml

from rnnbench.cell import Cell
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import Replica, arguments_of
from rnnbench.training.recipe import Recipe
from rnnbench.training.trainer import Trainer
from tasks.copying import Copying
from tasks.delayed_recall import DelayedRecall

YAMLS = Path(__file__).parents[2] / "conf" / "cell"
SEEDS = range(5)
# One of four symbols over 20, 10 or 5 time steps, among others or alone; three of them in order.
RECALL = DelayedRecall(gap=20, alphabet_size=4)
SOONER, SHORT = (DelayedRecall(gap=gap, alphabet_size=4) for gap in (10, 5))
BLANK = DelayedRecall(gap=20, alphabet_size=4, distractors="blank")
COPY = Copying(gap=10, alphabet_size=4, num_symbols=3)
# Task, hidden size, learning rate, steps, and how many of the seeds solve it at least. Behind the
# point is a variant.
LEARNS = {
    "brc": (RECALL, 32, 1e-2, 800, 4),
    "cornn": (BLANK, 32, 1e-2, 1000, 4),
    "gru": (RECALL, 32, 3e-3, 800, 4),
    "indrnn": (RECALL, 32, 3e-3, 800, 4),
    "janet": (RECALL, 32, 3e-3, 500, 4),
    "lem": (RECALL, 32, 1e-2, 1000, 4),
    "linoss": (BLANK, 32, 3e-3, 500, 4),
    "lru": (COPY, 32, 3e-3, 500, 4),
    "lstm": (SOONER, 32, 1e-2, 800, 4),
    "lstm_variant": (RECALL, 32, 1e-2, 800, 4),
    "lstm_variant.full_gate_recurrence": (SOONER, 32, 1e-2, 600, 4),
    "lstm_variant.no_forget_gate": (SOONER, 32, 1e-2, 600, 4),
    "lstm_variant.no_input_activation": (SOONER, 32, 1e-2, 600, 4),
    "lstm_variant.no_input_gate": (SOONER, 32, 1e-2, 600, 4),
    "lstm_variant.no_output_activation": (SOONER, 32, 1e-2, 600, 4),
    "lstm_variant.no_output_gate": (SOONER, 32, 1e-2, 600, 4),
    "lstm_variant.peepholes": (SOONER, 32, 1e-2, 600, 4),
    "lstm_variant.state_to_output": (SOONER, 32, 1e-2, 600, 4),
    "mgu": (RECALL, 32, 1e-2, 600, 4),
    "mingru": (RECALL, 32, 2e-2, 1500, 4),
    "minlstm": (RECALL, 32, 2e-2, 1500, 4),
    "minmax": (RECALL, 32, 1e-2, 1000, 4),
    "nbrc": (RECALL, 32, 1e-2, 500, 4),
    "orthogonal": (RECALL, 32, 3e-3, 500, 4),
    "published_gru": (SOONER, 32, 1e-2, 800, 4),
    "rg_lru": (RECALL, 32, 1e-2, 800, 4),
    "rnn": (SHORT, 32, 3e-3, 800, 4),
    "s6": (RECALL, 32, 1e-2, 500, 4),
    "slstm": (RECALL, 32, 1e-2, 1000, 4),
    "star": (RECALL, 32, 3e-3, 500, 4),
    "ugrnn": (RECALL, 32, 1e-2, 800, 4),
    "unicornn": (RECALL, 32, 1e-2, 800, 4),
}
# One of each kind: classical, gated, input-gated, linear, oscillating, orthogonal.
OFTEN = {"indrnn", "linoss", "lru", "orthogonal", "rg_lru", "slstm"}
CASES = [
    pytest.param(name, marks=pytest.mark.slow if name in OFTEN else pytest.mark.long)
    for name in LEARNS
]


@pytest.mark.parametrize("name", CASES)
def test_a_cell_solves_what_it_is_known_to_learn(name):
    task, hidden, rate, steps, least = LEARNS[name]
    file, _, variant = name.partition(".")
    section = yaml.safe_load((YAMLS / f"{file}.yaml").read_text())
    section |= {"variant": variant} if variant else {}
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
