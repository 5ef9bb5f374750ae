"""A stored record's condition: within the command line's bounds, and the record's own."""

import json

import pytest

from rnnbench.rules import MOST
from rnnbench.sizes import MAX_LAYERS, MAX_SET, MAX_SIZE, MAX_STEPS
from rnnbench.stored_condition import condition_from
from tests.small_sweep import ONE

BOUNDS = {
    **{("task", "gap"): MAX_SIZE, ("model", "hidden_size"): MAX_SIZE},
    **{("model", "num_layers"): MAX_LAYERS, ("trainer", "batch_size"): MAX_SIZE},
    **{("trainer", "steps"): MAX_STEPS, ("trainer", "eval_every"): MAX_STEPS},
    **{("trainer", "eval_size"): MAX_SET, ("trainer", "train_set_size"): MAX_SET},
}


def settings_with(part, name, value):
    settings = json.loads(json.dumps(ONE.settings))
    settings[part][name] = value
    return settings


@pytest.mark.parametrize(("part", "name"), BOUNDS)
def test_a_size_is_bounded_as_on_the_command_line(part, name):
    most = BOUNDS[part, name]
    assert condition_from(settings_with(part, name, most), "it").settings[part][name] == most
    for value in (most + 1, MOST, 0, 1.5, True):
        with pytest.raises(ValueError, match=f"^it.{part}'s {name} must be a whole number from 1"):
            condition_from(settings_with(part, name, value), "it")
