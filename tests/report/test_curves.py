"""Curves are told apart by the settings that differ, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from rnnbench.plot.curves import curves_of, mixed_versions

Labelled = Callable[[list[Any]], tuple[pd.DataFrame, pd.DataFrame]]
Fabricate = Callable[..., Any]


def test_alike_runs_are_one_curve_of_the_cells_name(
    fabricate: Fabricate, labelled: Labelled
) -> None:
    results, _ = labelled([fabricate(gap=gap, seed=s) for gap in (10, 20) for s in range(3)])
    assert set(results.label) == {"gru"}
    assert curves_of(results) == [("gru", "")]


def test_every_rate_is_a_curve_in_order_of_size(fabricate: Fabricate, labelled: Labelled) -> None:
    rates = (0.003, 0.0001, 0.02)
    results, summary = labelled([fabricate(lr=lr, seed=s) for lr in rates for s in range(2)])
    names = [label for _, label in curves_of(results)]
    assert names == ["lr 0.0001", "lr 0.003", "lr 0.02"]
    assert list(summary.seeds) == [2, 2, 2]


def test_keep_biases_stand_in_order_of_size(fabricate: Fabricate, labelled: Labelled) -> None:
    results, _ = labelled([fabricate(keep_bias=bias) for bias in (10.0, 3.0, 1.0)])
    names = [variant for _, variant in curves_of(results)]
    assert names == ["keep bias 1", "keep bias 3", "keep bias 10"]


def test_a_rate_chosen_per_gap_keeps_one_curve(fabricate: Fabricate, labelled: Labelled) -> None:
    results, _ = labelled([fabricate(gap=10, lr=0.003), fabricate(gap=20, lr=0.001)])
    assert set(results.label) == {"gru"}


def test_keep_bias_parts_curves_even_at_different_gaps(
    fabricate: Fabricate, labelled: Labelled
) -> None:
    records = [fabricate(gap=10, keep_bias=3.0), fabricate(gap=20, keep_bias=1.0)]
    results, _ = labelled([*records, fabricate(cell="rnn")])
    assert set(results.label) == {"gru, keep bias 3", "gru, keep bias 1", "rnn"}


@pytest.mark.parametrize(
    ("setting", "values", "texts"),
    [
        ("init", ("torch", "chrono"), {"gru, torch init", "gru, chrono init"}),
        ("hidden_size", (64, 128), {"gru, hidden size 64", "gru, hidden size 128"}),
        ("num_layers", (1, 2), {"gru, 1 layers", "gru, 2 layers"}),
        ("directions", (1, 2), {"gru, 1 directions", "gru, 2 directions"}),
        ("engine", ("reference", "torch"), {"gru, engine reference", "gru, engine torch"}),
        ("keep_bias", (None, 1.0), {"gru, no keep bias", "gru, keep bias 1"}),
    ],
)
def test_other_settings_part_curves(
    fabricate: Fabricate, labelled: Labelled, setting: str, values: Any, texts: set[str]
) -> None:
    records = [
        fabricate(**{setting: value}) | {"run_id": f"{place:016x}"}
        for place, value in enumerate(values)
    ]
    results, _ = labelled(records)
    assert set(results.label) == texts


@pytest.mark.parametrize(
    ("setting", "values", "texts"),
    [
        ("optimizer", ("adam", "sgd"), {"gru, adam", "gru, sgd"}),
        ("clip_norm", (None, 1.0), {"gru, no clip norm", "gru, clip norm 1"}),
        ("clip_value", (None, 0.5), {"gru, no clip value", "gru, clip value 0.5"}),
        ("train_set_size", (None, 100), {"gru, no training set", "gru, training set 100"}),
    ],
)
def test_settings_of_the_trainer_part_curves(
    fabricate: Fabricate, labelled: Labelled, setting: str, values: Any, texts: set[str]
) -> None:
    records = [
        fabricate(config={"trainer": {setting: value}}) | {"run_id": f"{place:016x}"}
        for place, value in enumerate(values)
    ]
    results, _ = labelled(records)
    assert set(results.label) == texts


@pytest.mark.parametrize("part", ["task", "cell", "model", "trainer"])
def test_numbers_of_two_versions_are_never_one_curve(
    fabricate: Fabricate, labelled: Labelled, part: str
) -> None:
    before = dict.fromkeys(("task", "cell", "model", "trainer"), 1)
    records = [
        fabricate(gap=gap, seed=seed, versions=before | {part: number})
        | {"run_id": f"{number}{gap:07}{seed:08}"}
        for gap, number in ((10, 1), (20, 1), (20, 2), (40, 2))
        for seed in range(2)
    ]
    results, summary = labelled(records)
    assert set(results.label) == {f"gru, {part} version 1", f"gru, {part} version 2"}
    assert sorted(summary.gap) == [10, 20, 20, 40]
    assert set(summary.seeds) == {2}
    name = {"task": "copy", "cell": "gru"}.get(part, f"copy, {part}")
    assert mixed_versions(results) == [f"{name}: versions 1, 2"]


def test_a_version_of_another_task_or_cell_parts_nothing(
    fabricate: Fabricate, labelled: Labelled
) -> None:
    one = dict.fromkeys(("task", "cell", "model", "trainer"), 1)
    records = [
        fabricate(versions=one),
        fabricate(task="recall", versions=one | {"task": 2}),
        fabricate(cell="lstm", versions=one | {"cell": 3}),
    ]
    results, _ = labelled(records)
    assert set(results.label) == {"gru", "lstm"}
    assert mixed_versions(results) == []


def test_schedules_of_the_training_gap_part_curves(
    fabricate: Fabricate, labelled: Labelled
) -> None:
    sections: list[dict[str, str]] = [{}, {"gap_schedule": "uniform"}, {"gap_schedule": "growing"}]
    records = [
        fabricate(config={"task": section}) | {"run_id": f"{place:016x}"}
        for place, section in enumerate(sections)
    ]
    results, _ = labelled(records)
    assert set(results.gap_schedule) == {"fixed", "uniform", "growing"}
    assert set(results.label) == {"gru, fixed gaps", "gru, uniform gaps", "gru, growing gaps"}


def test_records_from_before_a_setting_of_the_trainer_are_of_the_same_curve(
    fabricate: Fabricate, labelled: Labelled
) -> None:
    new = {"optimizer": "adam", "clip_norm": 1.0, "clip_value": None, "train_set_size": None}
    records = [
        fabricate(seed=0, config={"trainer": {"clip_norm": 1.0}}),
        fabricate(seed=1, config={"trainer": new}),
    ]
    results, _ = labelled(records)
    assert set(results.label) == {"gru"}


def test_an_engine_that_was_chosen_by_itself_parts_no_curve(
    fabricate: Fabricate, labelled: Labelled
) -> None:
    auto = {"engine": "auto", "device": "auto"}
    results, _ = labelled(
        [
            fabricate(seed=seed, engine=e, config=auto)
            for seed, e in enumerate(("torch", "compiled"))
        ]
    )
    assert set(results.label) == {"gru"}
