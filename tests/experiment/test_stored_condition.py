"""A stored record's condition: within the command line's bounds, and the record's own."""

import json
from pathlib import Path
from typing import get_args

import pytest

import rnnbench
from rnnbench.engine import ENGINES
from rnnbench.experiment.condition import Condition, Replica, condition_of
from rnnbench.experiment.limits import LAYERS, SET, SIZE, STEPS, Engine, Optimizer
from rnnbench.store.records import Store, read_records
from rnnbench.store.rules import MOST
from rnnbench.training.optimizer import OPTIMIZERS
from rnnbench.training.recording import describe_run, failed_record
from tests.small_sweep import ONE

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
BOUNDS = {
    ("task", "gap"): SIZE,
    ("model", "hidden_size"): SIZE,
    ("model", "num_layers"): LAYERS,
    ("trainer", "batch_size"): SIZE,
    ("trainer", "steps"): STEPS,
    ("trainer", "eval_every"): STEPS,
    ("trainer", "eval_size"): SET,
    ("trainer", "train_set_size"): SET,
}


def settings_with(part, name, value):
    settings = json.loads(json.dumps(ONE.settings))
    settings[part][name] = value
    return settings


@pytest.mark.parametrize(("part", "name"), BOUNDS)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_size_is_bounded_wherever_it_comes_from(part, name, trusted):
    most = BOUNDS[part, name].most
    made = Condition.from_settings(settings_with(part, name, most), trusted=trusted)
    assert made.settings[part][name] == most
    for value in (most + 1, MOST, 0, 1.5, True):
        with pytest.raises(ValueError, match=f"^it's {part}'s {name} must be a whole number from"):
            settings = settings_with(part, name, value)
            Condition.from_settings(settings, trusted=trusted, what="it")


@pytest.mark.parametrize("part", ["model", "trainer"])
def test_a_setting_that_there_is_not_is_told(part):
    with pytest.raises(ValueError, match=f"^it's {part} must not have size$"):
        Condition.from_settings(settings_with(part, "size", 1), trusted=False, what="it")


def test_the_choices_are_those_that_there_are():
    assert get_args(Engine) == ("auto", *ENGINES)
    assert get_args(Optimizer) == tuple(OPTIMIZERS)


def of(condition, **changes):
    run = {"sweep": "s", "command": "", "engine": "reference", "device": "cpu"}
    described = describe_run(condition, Replica(0, 1e-3), {**run, "tuning": None, "started": ""})
    return {**failed_record(described, "x"), **changes}


TOLD = [("task", "copy"), ("cell", "lstm"), ("gap", 320), ("hidden_size", 64)]
TOLD += [("num_layers", 2), ("batch_size", 64)]


@pytest.mark.parametrize(("name", "value"), TOLD)
def test_a_record_tells_of_the_condition_that_its_settings_are(tmp_path, capsys, name, value):
    assert condition_of(of(ONE)).settings == ONE.settings
    wrong = of(ONE, **{name: value})
    with pytest.raises(ValueError, match=f"^a record's {name} must be its config"):
        condition_of(wrong)
    Store(tmp_path).write(wrong)
    assert rnnbench.load_results(tmp_path).empty
    assert f"is passed over: a record's {name} must be its" in capsys.readouterr().err


@pytest.mark.parametrize("changes", [{"run_id": "r"}, {"condition_id": "c"}, {"seed": 1}])
def test_and_has_the_ids_that_its_settings_make(changes):
    with pytest.raises(ValueError, match="^a record's (condition|run)_id must be that of its set"):
        condition_of(of(ONE, **changes))
    older = {**ONE.versions, "trainer": 1}  # whose ids cannot be made here
    assert condition_of(of(ONE, **changes, versions=older)).settings == ONE.settings


def test_the_reference_results_are_their_settings():
    for record in read_records(REFERENCE):
        assert condition_of(record).condition_id == record["condition_id"]
