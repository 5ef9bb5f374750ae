"""What is there is not done again, and whatever is left out is said."""

from dataclasses import replace

import pytest

from rnnbench.experiment.condition import Replica
from rnnbench.store.records import NothingToDo, Store
from rnnbench.store.tables import TRANSFER
from rnnbench.training.evaluation import memory_chunks
from rnnbench.transfer.evaluate import make_plan


@pytest.fixture
def stored(tmp_path, train, at_gap):
    for gap in (4, 6):
        train(tmp_path, at_gap(gap), replicas=[Replica(0, 1e-3)])
    return tmp_path


def plan(directory, gaps=None, tasks=None, cells=None):
    jobs, lines = make_plan(directory, gaps, tasks, cells)
    return [(job["condition"].task["gap"], job["gaps"]) for job in jobs], lines


def row(record, gap):
    own = {name: record[name] for name in TRANSFER.columns if name in record}
    return own | {"test_gap": gap}


def test_all_gaps_of_the_task_are_the_default(stored):
    assert sorted(plan(stored)[0]) == [(4, [4, 6]), (6, [4, 6])]
    assert sorted(plan(stored, [9])[0]) == [(4, [9]), (6, [9])]


def test_only_what_is_missing_is_left_to_do(stored):
    for record in Store(stored).runs().values():
        TRANSFER.add(stored, [row(record, 6)])
    assert sorted(plan(stored)[0]) == [(4, [4]), (6, [4])]
    for record in Store(stored).runs().values():
        TRANSFER.add(stored, [row(record, 4)])
    assert plan(stored) == ([], [])


def test_new_seeds_are_alone(stored, train, at_gap):
    for record in Store(stored).runs().values():
        TRANSFER.add(stored, [row(record, 4), row(record, 6)])
    train(stored, at_gap(4), replicas=[Replica(1, 1e-3)])
    jobs, _ = make_plan(stored, None, None, None)
    assert [[r["seed"] for r in job["records"]] for job in jobs] == [[1]]


def test_a_gap_that_the_task_cannot_have_is_left_out_and_said(put, shift_register, at_gap):
    task = {"_target_": "tasks.copying.Copying", "name": "copy", "gap": 9, "num_symbols": 4}
    condition, weights = shift_register(reach=2, gap=3)
    directory = put(replace(condition, task=task), weights)
    found, lines = plan(directory, [3, 9, 12])
    assert found == [(9, [9, 12])]
    assert lines == ["copy is left out at gap 3: gap must be at least num_symbols + 1 = 5, got 3"]
    with pytest.raises(NothingToDo, match="copy is left out at gap 3"):
        plan(directory, [3])


def test_runs_without_a_meaning_or_without_weights_are_left_out_and_said(put, shift_register):
    condition, weights = shift_register(reach=2, gap=3)
    put(condition, weights)
    put(condition, weights, seed=1, status="failed")
    put(condition, {}, seed=2)
    put(condition, weights, seed=3, versions={**condition.versions, "task": 0})
    trained_otherwise = {**condition.versions, "trainer": 0}
    directory = put(condition, weights, seed=4, versions=trained_otherwise)
    jobs, lines = make_plan(directory, None, None, None)
    assert [sorted(r["seed"] for r in job["records"]) for job in jobs] == [[0, 4]]
    assert sorted(lines) == [
        "left out: 1 run of an older version of task, cell or model",
        "left out: 1 run that failed, to be trained again",
        "left out: 1 run without stored weights",
    ]


def test_an_engine_that_is_not_to_be_had_gives_way_to_the_reference(
    put, shift_register, monkeypatch
):
    condition, weights = shift_register(reach=2, gap=3)
    directory = put(condition, weights, engine="compiled", device="cpu")
    assert make_plan(directory, None, None, None)[0][0]["engine"] == "compiled"

    def refuse(name, cell, device):
        raise ValueError("engine must be reference without a C++ compiler, got compiled")

    monkeypatch.setattr("rnnbench.transfer.evaluate.check_engine", refuse)
    jobs, (line,) = make_plan(directory, None, None, None)
    assert (jobs[0]["engine"], jobs[0]["device"]) == ("reference", "cpu")
    assert line.startswith("rnn runs on the reference engine, not compiled: engine must be")


def test_memory_bounds_how_many_are_measured_together(at_gap):
    task = at_gap(6).build_task()
    assert list(memory_chunks(task, 16, 256, 5)) == [slice(0, 5)]
    wide = list(memory_chunks(task, 2**13, 256, 5))  # 7 * 2**21 numbers each, of 2**25
    assert wide == [slice(0, 2), slice(2, 4), slice(4, 5)]
