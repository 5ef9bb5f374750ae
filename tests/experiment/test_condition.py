"""A condition's hash tells apart what changes numbers, and nothing else."""

from dataclasses import replace

import pytest

from rnnbench.cell import Cell
from rnnbench.cells import GRU
from rnnbench.experiment import condition
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import Condition, Replica, digest

BASE = Condition(
    task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": 6},
    cell={"_target_": "rnnbench.cells.GRU", "name": "gru", "init": "torch", "keep_bias": 1.0},
    model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
    trainer={"steps": 4, "batch_size": 4, "clip_norm": 1.0, "eval_every": 2, "eval_size": 8},
    dtype="float32",
    engine="auto",
    device="auto",
)


@pytest.mark.parametrize(
    "change",
    [
        {"task": {**BASE.task, "gap": 7}},
        {"cell": {**BASE.cell, "keep_bias": 2.0}},
        {"model": {**BASE.model, "hidden_size": 9}},
        {"model": {**BASE.model, "num_layers": 2}},
        {"model": {**BASE.model, "bidirectional": True}},
        {"trainer": {**BASE.trainer, "clip_norm": None}},
        {"dtype": "float64"},
        {"engine": "reference"},
        {"device": "cpu"},
    ],
)
def test_every_setting_counts(change):
    assert replace(BASE, **change).condition_id != BASE.condition_id


def test_its_name_tells_how_the_gap_of_training_varies():
    assert BASE.name == "recall gap 6 gru"
    varied = replace(BASE, task={**BASE.task, "gap_schedule": "growing"})
    assert varied.name == "recall gap 6 gru, growing gaps"


def test_order_of_keys_does_not_count():
    assert replace(BASE, cell=dict(reversed(BASE.cell.items()))).condition_id == BASE.condition_id


def test_a_raised_version_counts(monkeypatch):
    monkeypatch.setattr(GRU, "version", 2)
    assert replace(BASE).condition_id != BASE.condition_id


@pytest.mark.parametrize("version", ["MODEL_VERSION", "TRAINER_VERSION"])
def test_a_raised_version_of_model_or_trainer_counts(monkeypatch, version):
    monkeypatch.setattr(condition, version, getattr(condition, version) + 1)
    assert replace(BASE).condition_id != BASE.condition_id


def test_seed_and_rate_make_the_run():
    ids = {BASE.run_id(Replica(seed, lr)) for seed in (0, 1) for lr in (1e-3, 3e-3)}
    assert len(ids) == 4
    assert all(len(run_id) == 16 for run_id in ids)


def test_the_hash_never_changes_by_accident():
    assert digest({"b": [1, 2.5, None], "a": "x"}) == "ce74053d7a9997b7"
    assert BASE.condition_id == "06d8b1ae95b496de"


@pytest.mark.parametrize("version", [-1, 1.5, "2024-01", True, None])
def test_a_version_that_is_no_whole_number_is_refused(monkeypatch, version):
    settings = BASE.settings
    Condition.from_settings(settings, trusted=True)
    monkeypatch.setattr(GRU, "version", version)
    with pytest.raises(ValueError, match="cell's version must be a whole number, got "):
        Condition.from_settings(settings, trusted=True)


def test_a_class_is_found_and_checked():
    assert find_class("rnnbench.cells.GRU", Cell, "cell") is GRU
    for path in ("rnnbench.cells.Nope", "no.such.module", "GRU", ""):
        with pytest.raises(ValueError, match="cell must name a class that can be imported"):
            find_class(path, Cell, "cell")
    for path in ("os.system", "tasks.copying.Copying"):
        with pytest.raises(ValueError, match=f"cell must be a Cell, got {path}"):
            find_class(path, Cell, "cell")
