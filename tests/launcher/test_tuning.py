"""Tuning comes first, is stored apart, and is done once."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rnnbench.experiment.condition import Condition, Replica, Sweep
from rnnbench.experiment.tuning import GRID, TUNING_SEEDS, tuning_sweep
from rnnbench.launcher import with_chosen_rates
from rnnbench.plot.summary import STATUSES
from rnnbench.store.frames import load_all, load_results
from rnnbench.store.records import Store
from tests.in_process import launch_in_process

CONDITION = Condition(
    task={
        "_target_": "tasks.delayed_recall.DelayedRecall",
        "name": "recall",
        "gap": 2,
        "alphabet_size": 2,
        "distractors": "blank",
    },
    cell={"_target_": "rnnbench.cells.GRU", "name": "gru", "keep_bias": 1.0},
    model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
    trainer={
        "steps": 120,
        "batch_size": 16,
        "clip_norm": 1.0,
        "eval_every": 10,
        "eval_size": 64,
    },
    dtype="float32",
    engine="reference",
    device="cpu",
    tuned=True,
)
GIVEN = replace(CONDITION, tuned=False)


def sweep_of(directory: Path, seeds=(0, 1)) -> Sweep:
    tracker = {"kind": "none", "mode": "auto", "project": "rnnbench", "entity": None}
    jobs = (
        (CONDITION, tuple(Replica(seed, None) for seed in seeds)),
        (GIVEN, tuple(Replica(seed, 1e-3) for seed in seeds)),
    )
    return Sweep("trial", directory, 1, False, tracker, jobs)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tuned") / "out"
    assert launch_in_process(sweep_of(directory)) == 0
    return directory


def test_no_tuning_run_is_among_the_results(tuned):
    results = load_results(tuned)
    assert set(results["seed"]) == {0, 1}
    assert len(results) == 4
    assert set(results["status"]) <= set(STATUSES)
    tuning = Store(tuned / "tuning").runs().values()
    assert {(r["seed"], r["lr"]) for r in tuning} == {(s, lr) for s in TUNING_SEEDS for lr in GRID}


def test_the_reported_seeds_train_with_the_rate_that_the_tuning_runs_say(tuned):
    results = load_results(tuned)
    by_rate = {}
    for record in Store(tuned / "tuning").runs().values():
        last = record["history"][-1]["score"]
        by_rate.setdefault(record["lr"], []).append(min(max(last, 0.0), 1.0))
    best = max(sum(scores) / 3 for scores in by_rate.values())
    (chosen,) = results[results["lr_choice"] == "tuned"]["lr"].unique()
    assert sum(by_rate[chosen]) / 3 >= best - 0.01
    assert set(results[results["lr_choice"] == "given"]["lr"]) == {1e-3}


def test_a_tuned_run_has_the_numbers_of_the_same_rate_given(tuned, tmp_path):
    tuned_runs = load_results(tuned).query("lr_choice == 'tuned'")
    lr = tuned_runs["lr"].iloc[0]
    sweep = replace(sweep_of(tmp_path), jobs=((GIVEN, (Replica(0, lr), Replica(1, lr))),))
    assert launch_in_process(sweep) == 0
    columns = ["seed", "loss", "accuracy", "steps", "status"]
    given = load_results(tmp_path)[columns]
    assert given.equals(tuned_runs[columns].reset_index(drop=True))
    assert set(load_results(tmp_path)["run_id"]).isdisjoint(tuned_runs["run_id"])


def test_the_choice_its_scores_and_its_warnings_are_stored_with_every_run(tuned):
    tuning = load_all(tuned).tuning
    assert tuning["lr"].tolist() == sorted(GRID)
    (chosen,) = tuning["chosen_lr"].unique()
    assert chosen == load_results(tuned).query("lr_choice == 'tuned'")["lr"].iloc[0]
    assert tuning["score"].between(0, 1).all()
    assert tuning["at_edge"].tolist() == [chosen in (GRID[0], GRID[-1])] * 5
    records = Store(tuned).runs().values()
    assert [r["tuning"] is None for r in records if not r["config"].get("tuned")] == [True] * 2


def test_a_rate_that_is_clearly_behind_leaves_after_a_third_of_the_steps(tuned):
    dropped = [r for r in Store(tuned / "tuning").runs().values() if r["status"] == "dropped"]
    assert dropped, "the lowest rate learns nothing in 120 steps while others solve the task"
    assert {r["steps"] for r in dropped} == {40}
    assert {r["lr"] for r in dropped} == {e for e in load_all(tuned).tuning.query("dropped")["lr"]}


def test_what_is_tuned_is_not_tuned_again(tuned, tmp_path, capfd):
    directory = shutil.copytree(tuned, tmp_path / "out")
    times = {p: p.stat().st_mtime_ns for p in directory.rglob("*.json")}
    assert launch_in_process(sweep_of(directory)) == 0
    assert {p: p.stat().st_mtime_ns for p in directory.rglob("*.json")} == times
    assert "to tune" not in capfd.readouterr().err
    assert launch_in_process(sweep_of(directory, seeds=(0, 1, 2))) == 0
    assert "to tune" not in capfd.readouterr().err
    assert len(load_results(directory)) == 6


def test_a_stopped_tuning_chooses_nothing_yet(tuned, tmp_path):
    """Until all tuning runs of a condition are there, its rate stays open."""
    source = Store(tuned / "tuning")
    target = Store(tmp_path / "tuning")
    records = list(source.runs().values())
    for record in records[:-1]:
        target.write(record)
    sweep = sweep_of(tmp_path)
    assert with_chosen_rates(sweep).choices == {}
    assert all(replica.lr is None for replica in with_chosen_rates(sweep).jobs[0][1])
    target.write(records[-1])
    assert set(with_chosen_rates(sweep).choices) == {CONDITION.condition_id}
    assert all(replica.lr is not None for replica in with_chosen_rates(sweep).jobs[0][1])


def test_tuning_is_the_same_for_every_number_of_seeds_and_says_no_word_to_the_tracker(tmp_path):
    few, many = (tuning_sweep(sweep_of(tmp_path, seeds)) for seeds in ((0,), tuple(range(9))))
    assert few.jobs == many.jobs
    assert len(few.jobs) == 1
    assert few.tracker["kind"] == "none"
    assert few.output_dir == tmp_path / "tuning"


def test_a_dry_run_tells_what_tuning_will_cost(tmp_path, capfd):
    sweep = replace(sweep_of(tmp_path / "out"), dry_run=True)
    assert launch_in_process(sweep) == 0
    output = capfd.readouterr().out
    tuning, training = output.split("\n\nTraining:")
    assert tuning.startswith("Tuning (5 learning rates x 3 seeds each):")
    assert "15 replicas" in tuning
    assert "2 conditions with 4 replicas" in training
    assert not (tmp_path / "out").exists()
