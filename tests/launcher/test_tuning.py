"""Tuning comes first, is stored apart, and is done once."""

import shutil
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.limits import LATER
from rnnbench.experiment.sweep import Sweep
from rnnbench.launcher import with_chosen_rates
from rnnbench.launcher.tuning import plan_tuning, with_told_rates
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
GRID = LATER["tuning"]["rates"]
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
    first = {(seed, lr) for seed in (1021, 1022, 1023) for lr in GRID}
    assert first < {(r["seed"], r["lr"]) for r in tuning}
    assert {r["seed"] for r in tuning} == set(range(1018, 1024))


def test_the_reported_seeds_train_with_the_rate_that_the_tuning_runs_say(tuned):
    results = load_results(tuned)
    by_rate = {}
    for record in Store(tuned / "tuning").runs().values():
        last = record["history"][-1]["score"]
        by_rate.setdefault(record["lr"], []).append(min(max(last, 0.0), 1.0))
    best = max(map(fmean, by_rate.values()))
    (chosen,) = results[results["lr_choice"] == "tuned"]["lr"].unique()
    assert fmean(by_rate[chosen]) >= best - 0.01
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
    rates = tuning["lr"].tolist()
    assert rates == sorted(rates) and set(GRID) < set(rates)
    (chosen,) = tuning["chosen_lr"].unique()
    assert chosen == load_results(tuned).query("lr_choice == 'tuned'")["lr"].iloc[0]
    assert tuning["score"].between(0, 1).all()
    assert rates[0] < chosen < rates[-1] and not tuning["at_edge"].any()
    assert dict(zip(rates, tuning["seeds"], strict=True))[chosen] == 6
    records = Store(tuned).runs().values()
    assert [r["tuning"] is None for r in records if not r["config"].get("tuned")] == [True] * 2


def test_a_rate_that_is_clearly_behind_leaves_after_a_third_of_the_steps(tuned):
    dropped = [r for r in Store(tuned / "tuning").runs().values() if r["status"] == "dropped"]
    assert dropped, "the lowest rate learns nothing in 120 steps while others solve the task"
    assert {r["steps"] for r in dropped} == {40}
    assert {r["lr"] for r in dropped} == {e for e in load_all(tuned).tuning.query("dropped")["lr"]}


@pytest.mark.long
def test_what_is_tuned_is_not_tuned_again(tuned, tmp_path, capfd):
    directory = shutil.copytree(tuned, tmp_path / "out")
    times = {p: p.stat().st_mtime_ns for p in directory.rglob("*.json")}
    assert launch_in_process(sweep_of(directory)) == 0
    assert {p: p.stat().st_mtime_ns for p in directory.rglob("*.json")} == times
    assert "to tune" not in capfd.readouterr().err
    assert launch_in_process(sweep_of(directory, seeds=(0, 1, 2))) == 0
    assert "to tune" not in capfd.readouterr().err
    assert len(load_results(directory)) == 6


@pytest.mark.long
def test_a_stopped_tuning_chooses_nothing_yet(tuned, tmp_path):
    """Until all tuning runs of a condition are there, its rate stays open."""
    source = Store(tuned / "tuning")
    target = Store(tmp_path / "tuning")
    records = list(source.runs().values())
    for record in records[:-1]:
        target.write(record)
    sweep = sweep_of(tmp_path)
    assert with_chosen_rates(sweep).choices == {}
    assert sum(len(replicas) for _, replicas in plan_tuning(sweep)[0].jobs) == 1
    assert all(replica.lr is None for replica in with_chosen_rates(sweep).jobs[0][1])
    target.write(records[-1])
    assert set(with_chosen_rates(sweep).choices) == {CONDITION.condition_id}
    assert all(replica.lr is not None for replica in with_chosen_rates(sweep).jobs[0][1])


def test_tuning_is_the_same_for_every_number_of_seeds_and_says_no_word_to_the_tracker(tmp_path):
    few, many = (plan_tuning(sweep_of(tmp_path, seeds))[0] for seeds in ((0,), tuple(range(9))))
    assert few.jobs == many.jobs
    assert len(few.jobs) == 1
    assert few.tracker["kind"] == "none"
    assert few.output_dir == tmp_path / "tuning"


def test_a_dry_run_tells_what_tuning_will_cost(tmp_path, capfd):
    sweep = replace(sweep_of(tmp_path / "out"), dry_run=True)
    assert launch_in_process(sweep) == 0
    output = capfd.readouterr().out
    tuning, training = output.split("\n\nTraining:")
    assert tuning.startswith("Tuning, to begin with 5 learning rates x 3 seeds each:")
    assert "15 replicas" in tuning
    assert "2 conditions with 4 replicas" in training
    assert not (tmp_path / "out").exists()


def test_results_from_before_grids_grew_go_on_from_their_stored_scores(tuned, tmp_path):
    """They tell a mean of three seeds for each rate, and may have come without their tuning."""
    for record in Store(tuned).runs().values():
        if record["tuning"]:
            grid = [{k: v for k, v in e.items() if k != "seeds"} for e in record["tuning"]["grid"]]
            first = [entry for entry in grid if entry["lr"] in GRID]
            record["tuning"] = {"lr": 3e-2, "learned": True, "at_edge": True, "grid": first}
        Store(tmp_path).write(record)
    sweep = with_told_rates(sweep_of(tmp_path))
    ((condition, replicas),) = plan_tuning(sweep)[0].jobs
    assert condition == CONDITION
    assert replicas == tuple(Replica(seed, 0.1) for seed in (1021, 1022, 1023))
    assert launch_in_process(sweep_of(tmp_path)) == 0
    again = {(r["seed"], r["lr"]) for r in Store(tmp_path / "tuning").runs().values()}
    assert {lr for seed, lr in again if seed > 1020} == {0.1, 0.3}
    shutil.rmtree(tmp_path / "tuning")  # what the runs tell is enough, as where it was published
    assert not plan_tuning(with_told_rates(sweep_of(tmp_path)))[0].jobs
    columns = ["lr", "seed", "loss"]
    then, now = (load_results(place).query("lr_choice == 'tuned'") for place in (tuned, tmp_path))
    assert now[columns].to_numpy().tolist() == then[columns].to_numpy().tolist()


def found(condition, scores, rates=GRID, seeds=(1021, 1022, 1023)):
    """Return records of tuning runs by run id: their scores by rate, the same for every seed."""
    replicas = [Replica(seed, lr) for lr in rates for seed in seeds]
    return {
        condition.run_id(it): {
            "condition_id": condition.condition_id,
            "seed": it.seed,
            "lr": it.lr,
            "status": "unsolved",
            "steps_to_solve": None,
            "history": [{"step": 120, "score": scores.get(it.lr, 0.0)}],
        }
        for it in replicas
    }


def at_gaps(directory, *gaps):
    """Return a sweep whose rate is tuned once for some gaps, and its conditions."""
    per_task = {**CONDITION.tuning, "per": "task"}
    tasks = [{**CONDITION.task, "gap": gap} for gap in gaps]
    conditions = [replace(CONDITION, task=task, tuning=per_task) for task in tasks]
    jobs = tuple((condition, (Replica(0, None),)) for condition in conditions)
    return replace(sweep_of(directory), jobs=jobs), conditions


def test_a_rate_for_all_gaps_is_tuned_at_the_lower_middle_one(tmp_path):
    sweep, (long, short, middle, longest) = at_gaps(tmp_path, 8, 2, 4, 16)
    ((condition, replicas),) = plan_tuning(sweep, {})[0].jobs
    assert (condition, len(replicas)) == (middle, 15)
    records = found(middle, {3e-3: 0.9, 1e-2: 0.5})
    ((condition, replicas),) = plan_tuning(sweep, records)[0].jobs
    assert condition == middle and {lr for _, lr in replicas} == {3e-3, 1e-2}
    records |= found(middle, {3e-3: 0.9, 1e-2: 0.5}, (3e-3, 1e-2), (1018, 1019, 1020))
    tuning, settled = plan_tuning(sweep, records)
    assert not tuning.jobs
    assert {it.lr for _, replicas in settled.jobs for it in replicas} == {3e-3}
    assert {choice["gap"] for choice in settled.choices.values()} == {4}
    told = replace(sweep, choices=settled.choices)
    assert plan_tuning(told, {})[1].jobs == settled.jobs  # the runs tell enough


def test_where_nothing_learns_there_the_next_shorter_gap_is_tuned(tmp_path):
    sweep, (short, middle, long) = at_gaps(tmp_path, 2, 4, 8)
    nothing = found(middle, {})
    ((condition, _),) = plan_tuning(sweep, nothing)[0].jobs
    assert condition == short
    tuning, settled = plan_tuning(sweep, nothing | found(short, {}))
    assert not tuning.jobs
    assert not any(choice["learned"] for choice in settled.choices.values())


def test_how_a_rate_is_tuned_is_part_of_a_tuned_condition_alone():
    other = {**CONDITION.tuning, "seeds": 2}
    assert replace(CONDITION, tuning=other).condition_id != CONDITION.condition_id
    assert replace(GIVEN, tuning=other).condition_id == GIVEN.condition_id
    again = Condition.from_settings(replace(CONDITION, tuning=other).settings, trusted=True)
    assert again.tuning == other
    assert "tuning" not in CONDITION.settings


def test_tuning_ends_where_a_condition_fails(tmp_path, monkeypatch, capfd):
    def fail(*args):
        raise RuntimeError("no room")

    monkeypatch.setattr("rnnbench.launcher.worker.Trainer", fail)
    assert launch_in_process(replace(sweep_of(tmp_path), jobs=sweep_of(tmp_path).jobs[:1])) == 1
    told = capfd.readouterr().err
    assert told.count("conditions to tune") == 1 and "no room" in told
