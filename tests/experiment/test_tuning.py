"""A learning rate is chosen by stated rules, from the same grid and budget for every cell."""

from dataclasses import replace

import pytest

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.limits import GREATEST_SEED, LAST_SEED, LATER
from rnnbench.experiment.tuning import (
    LADDER,
    UNTUNED,
    choose_rate,
    drop_is_due,
    next_replicas,
    rates_behind,
    score_at,
    seed_result,
    told_results,
    tuning_seeds,
)
from rnnbench.store.settings import label_conditions

STEPS = 1000
GRID = tuple(LATER["tuning"]["rates"])
FIRST, MORE = (1021, 1022, 1023), (1018, 1019, 1020)
CONDITION = Condition(
    task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": 2},
    cell={"_target_": "rnnbench.cells.GRU", "name": "gru"},
    model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
    trainer={"steps": STEPS, "batch_size": 16, "eval_every": 200, "eval_size": 64},
    dtype="float32",
    engine="reference",
    device="cpu",
    tuned=True,
)


def records(lr, scores, *, solved_at=None, status="unsolved"):
    """Return a tuning's records at one rate, one for each seed's last score."""
    return [
        {
            "lr": lr,
            "status": "solved" if solved_at else status,
            "steps_to_solve": solved_at,
            "history": [{"step": 200, "score": 0.0}, {"step": STEPS, "score": score}],
        }
        for score in scores
    ]


def grid(**rates):
    """Return records of the whole grid; rates that are not given stay at chance."""
    given = {
        float(name.replace("lr_", "").replace("_", "-")): found for name, found in rates.items()
    }
    assert set(given) <= set(GRID)
    return [r for lr in GRID for r in given.get(lr, records(lr, (0.0, 0.0, 0.0)))]


def results(found):
    """Return the results of records, which have their seeds in the order of training."""
    seeds = {}
    for record in found:
        seeds.setdefault(record["lr"], []).append(seed_result(record, STEPS))
    order = (*FIRST, *MORE)
    return {
        Replica(seed, lr): result
        for lr, own in seeds.items()
        for seed, result in zip(order, own, strict=False)
    }


def choose(found):
    return choose_rate(CONDITION, results(found))


def entry(choice, lr):
    return next(each for each in choice.grid if each.lr == lr)


def test_every_condition_begins_with_the_same_grid_on_seeds_that_no_user_can_ask_for():
    replicas = next_replicas(CONDITION, {})
    assert set(replicas) == {Replica(seed, lr) for lr in GRID for seed in FIRST}
    most = replace(CONDITION, tuning={**CONDITION.tuning, "seeds": 8})
    assert min(tuning_seeds(most)) == GREATEST_SEED + 1
    assert tuning_seeds(CONDITION) == (*MORE, *FIRST) and FIRST[-1] == LAST_SEED


def run_to_the_end(scores, condition=CONDITION):
    """Tune a condition whose rates have these scores for every seed; return it all by rate."""
    found = {}
    while replicas := next_replicas(condition, found):
        for replica in replicas:
            assert replica not in found
            (record,) = records(replica.lr, [scores(replica)])
            found[replica] = seed_result(record, STEPS)
    return choose_rate(condition, found)


def test_a_grid_grows_until_its_best_rate_is_inside():
    best = run_to_the_end(lambda it: max(0.0, 1 - abs(it.lr - 0.1) / 0.3))
    assert (best.lr, best.at_edge) == (0.1, False)
    assert [each.lr for each in best.grid] == [*GRID, 0.1, 0.3]
    low = run_to_the_end(lambda it: 0.9 if it.lr == 1e-4 else 0.5 if it.lr < 1e-3 else 0.1)
    assert (low.lr, low.at_edge) == (1e-4, False)
    assert [each.lr for each in low.grid] == [3e-5, 1e-4, *GRID]


def test_a_grid_grows_to_a_stated_end_and_the_choice_there_is_marked():
    up = run_to_the_end(lambda it: min(1.0, 0.1 + it.lr))
    assert (up.lr, up.at_edge, up.grid[-1].lr) == (1.0, True, LADDER[-1])
    own = replace(CONDITION, tuning={**CONDITION.tuning, "rates": [0.02]})
    both = run_to_the_end(lambda it: 0.5 + it.lr, own)
    assert [each.lr for each in both.grid] == [0.01, 0.02, 0.03, 0.1, 0.3, 1.0]


def test_the_two_best_rates_get_as_many_seeds_again_before_one_is_chosen():
    def scores(it):
        lucky = it.lr == 1e-2 and it.seed in FIRST
        return {1e-3: 0.3, 3e-3: 0.8, 1e-2: 0.95 if lucky else 0.5}.get(it.lr, 0.1)

    choice = run_to_the_end(scores)
    assert {each.lr: each.seeds for each in choice.grid} == dict.fromkeys(GRID, 3) | {
        3e-3: 6,
        1e-2: 6,
    }
    assert (choice.lr, entry(choice, 1e-2).score) == (3e-3, pytest.approx(0.725))


def test_a_rate_that_comes_to_the_top_by_more_seeds_is_looked_beyond():
    def scores(it):
        more = it.seed in MORE
        return {1e-2: 0.2 if more else 0.8, 3e-2: 0.9 if more else 0.7}.get(it.lr, 0.1)

    choice = run_to_the_end(scores)
    assert (choice.lr, choice.at_edge) == (3e-2, False)
    assert choice.grid[-1].lr == 0.1


def test_results_that_a_run_tells_count_as_measured():
    """Only what is lacking is trained: here one rate beyond the grid, and seeds of the two best."""
    told = choose(grid(lr_3e_2=records(3e-2, (0.9,) * 3), lr_1e_2=records(1e-2, (0.6,) * 3)))
    stored = told.as_record()
    for each in stored["grid"]:
        del each["seeds"]  # as in records from before grids grew
    found = told_results(CONDITION, stored)
    assert choose_rate(CONDITION, found) == told
    assert next_replicas(CONDITION, found) == tuple(Replica(seed, 0.1) for seed in FIRST)
    found |= results(records(0.1, (0.2,) * 3))
    assert set(next_replicas(CONDITION, found)) == {
        Replica(seed, lr) for lr in (1e-2, 3e-2) for seed in MORE
    }


def test_what_learned_nothing_is_not_looked_beyond():
    assert next_replicas(CONDITION, results(grid(lr_3e_2=records(3e-2, (0.04,) * 3)))) == ()


def test_the_highest_mean_score_wins():
    choice = choose(grid(lr_1e_3=records(1e-3, (0.9, 0.1, 0.2)), lr_3e_3=records(3e-3, (0.6,) * 3)))
    assert (choice.lr, choice.learned, choice.at_edge, choice.gap) == (3e-3, True, False, 2)
    assert entry(choice, 1e-3).score == pytest.approx(0.4)
    assert entry(choice, 3e-3).score == pytest.approx(0.6)
    assert (entry(choice, 3e-3).steps, entry(choice, 3e-3).solved) == (STEPS, 0)


def test_of_rates_that_solve_alike_the_sooner_wins():
    slow = records(1e-3, (1.0,) * 3, solved_at=800)
    quick = records(3e-3, (0.995,) * 3, solved_at=400)
    assert choose(grid(lr_1e_3=slow, lr_3e_3=quick)).lr == 3e-3
    worse = records(3e-3, (0.98,) * 3, solved_at=400)
    assert choose(grid(lr_1e_3=slow, lr_3e_3=worse)).lr == 1e-3


def test_where_nothing_learns_the_default_is_taken_and_it_is_said():
    choice = choose(grid(lr_1e_2=records(1e-2, (0.04, 0.05, 0.05))))
    assert (choice.lr, choice.learned, choice.at_edge) == (UNTUNED, False, False)


def test_a_diverged_seed_counts_as_remembering_nothing():
    diverged = records(1e-2, (1.0,) * 3, status="diverged")
    choice = choose(grid(lr_1e_2=diverged, lr_1e_3=records(1e-3, (0.2,) * 3)))
    assert choice.lr == 1e-3
    assert entry(choice, 1e-2).score == 0.0


def test_a_dropped_rate_is_never_chosen():
    dropped = records(1e-2, (0.9,) * 3, status="dropped")
    choice = choose(grid(lr_1e_2=dropped, lr_1e_3=records(1e-3, (0.895,) * 3)))
    assert choice.lr == 1e-3
    assert entry(choice, 1e-2).dropped


def test_scores_are_cut_to_0_to_1_so_that_one_wild_seed_does_not_decide():
    wild = records(1e-2, (-50.0, 0.9, 0.9))
    assert choose(grid(lr_1e_2=wild, lr_1e_3=records(1e-3, (0.5,) * 3))).lr == 1e-2


@pytest.mark.parametrize(
    ("step", "due"), [(800, False), (1000, True), (1200, False), (900, False), (3000, False)]
)
def test_a_rate_may_leave_once_after_a_third_of_the_steps(step, due):
    assert drop_is_due(step, 3000, 200) == due


def test_a_third_between_two_evaluations_is_looked_at_with_the_next():
    assert [step for step in range(1, 1001) if drop_is_due(step, 1000, 200)] == [400]
    assert not any(drop_is_due(step, 100, 200) for step in range(1, 101))


def test_only_a_rate_whose_best_seed_is_behind_the_worst_of_the_best_leaves():
    scores = {1e-4: (0.0, 0.69), 1e-3: (0.0, 0.71), 3e-3: (0.8, 1.0), 1e-2: (0.7, 0.9)}
    assert rates_behind(scores) == [1e-4]
    assert rates_behind({1e-3: (0.0, 0.0), 1e-2: (0.0, 0.05)}) == []


def test_the_score_at_a_step_is_the_last_one_up_to_it():
    history = [{"step": 200, "score": 0.3}, {"step": 400, "score": 0.6}]
    assert [score_at(history, step) for step in (100, 200, 399, 400)] == [0.0, 0.3, 0.3, 0.6]


def test_how_a_rate_is_tuned_is_said_where_it_differs_alone():
    own = [
        CONDITION,
        replace(CONDITION, tuned=False),
        replace(CONDITION, tuning={**CONDITION.tuning, "per": "task"}),
        replace(CONDITION, tuning={**CONDITION.tuning, "rates": [1e-3], "seeds": 2}),
    ]
    labels = label_conditions({each.condition_id: each.all_settings for each in own})
    assert [labels[each.condition_id] for each in own] == [
        "gru, tuned lr",
        "gru",
        "gru, tuned lr, per task",
        "gru, tuned lr, of rates [0.001], 2 tuning seeds",
    ]
