"""At its own gap a network gets what is stored of it; at others what it remembers."""

import math
import threading

import pytest
import torch

from rnnbench.store.records import Store
from rnnbench.training import evaluation
from rnnbench.training.data import fixed_batches
from rnnbench.training.streams import TEST
from rnnbench.transfer.evaluate import evaluate_replicas, make_plan

NUMBERS = ["loss", "accuracy", "score"]


def measured(directory, gaps=None):
    jobs, _ = make_plan(directory, gaps, None, None)
    rows = [row for job in jobs for row in evaluate_replicas(job, print, threading.Event())]
    return {(row["run_id"], row["test_gap"]): row for row in rows}


@pytest.mark.parametrize("engine", ["reference", "compiled", "torch"])
def test_at_its_own_gap_a_run_gets_bitwise_what_is_stored(tmp_path, train, at_gap, engine):
    for gap in (4, 6):
        train(tmp_path, at_gap(gap), engine=engine)
    rows = measured(tmp_path, [4, 6, 9])
    records = Store(tmp_path).runs()
    assert len(rows) == 3 * len(records) == 18
    for run_id, record in records.items():
        row = rows[run_id, record["gap"]]
        assert [row[name] for name in NUMBERS] == [record[name] for name in NUMBERS]
        assert (row["engine"], row["gap"], row["seed"], row["lr"]) == (
            *(engine, record["gap"], record["seed"], record["lr"]),
        )
        assert len({rows[run_id, gap]["loss"] for gap in (4, 6, 9)}) == 3


def test_a_network_that_remembers_for_so_many_steps_is_right_up_to_there(put, shift_register):
    condition, weights = shift_register(reach=5, gap=3)
    rows = measured(put(condition, weights), [1, 2, 5, 6, 9])
    found = {gap: row["accuracy"] for (_, gap), row in rows.items()}
    assert [found[gap] for gap in (1, 2, 5)] == [1, 1, 1]
    for gap in (6, 9):  # silent: the first class wins
        task = condition.build_task().at_gap(gap)
        batches = fixed_batches(task, 300, TEST, torch.device("cpu"), torch.float32)
        targets = torch.cat([batch.targets for batch in batches], 1)
        assert found[gap] == pytest.approx((targets == 0).float().mean().item(), abs=1e-6)
        assert abs(found[gap] - 0.5) < 0.15
    scores = {gap: row["score"] for (_, gap), row in rows.items()}
    assert scores[5] == 1
    assert scores[6] == pytest.approx(2 * (found[6] - 0.5))


def test_chance_is_that_of_the_test_gap(put, shift_register, tmp_path, train, at_gap):
    arguments = {"_target_": "tasks.copying.Copying", "name": "copy", "score_on": "all"}
    condition = at_gap(6)
    copy = type(condition)(
        **condition.settings | {"task": {**arguments, "gap": 6, "num_symbols": 3}}
    )
    train(tmp_path, copy)
    rows = measured(tmp_path, [6, 20])
    chances = {row["test_gap"]: row["chance_accuracy"] for row in rows.values()}
    assert chances == {6: pytest.approx((6 + 3 / 8) / 9), 20: pytest.approx((20 + 3 / 8) / 23)}


def test_what_diverged_in_training_or_blows_up_in_test_remembers_nothing(put, shift_register):
    condition, weights = shift_register(reach=5, gap=3)
    put(condition, weights)
    put(condition, {k: v * math.nan for k, v in weights.items()}, seed=1, status="diverged")
    growing = weights | {"rnn.weight_hh_l0": weights["rnn.weight_hh_l0"] * 1e15}
    rows = measured(put(condition, growing, seed=2), [1, 5])
    by_seed = {(row["seed"], row["test_gap"]): row for row in rows.values()}
    for key in ((1, 1), (1, 5), (2, 5)):
        assert math.isnan(by_seed[key]["loss"])
        assert (by_seed[key]["accuracy"], by_seed[key]["score"]) == (0.5, 0)
    assert by_seed[2, 1]["accuracy"] == by_seed[0, 5]["accuracy"] == 1


def test_a_stack_too_large_for_memory_is_cut_and_gives_the_same(tmp_path, train, monkeypatch):
    train(tmp_path)
    whole = measured(tmp_path, [4, 6])
    monkeypatch.setattr(evaluation, "MOST_NUMBERS", 2 * 256 * 7 * 16)
    assert measured(tmp_path, [4, 6]) == whole
