"""A learning rate is chosen by stated rules, from the same grid and budget for every cell."""

import pytest

from rnnbench.cli.settings import MAX_SEED
from rnnbench.experiment.tuning import (
    GRID,
    TUNING_SEEDS,
    UNTUNED,
    choose_rate,
    drop_is_due,
    rates_behind,
    score_at,
    tuning_replicas,
)

STEPS = 1000


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


def entry(choice, lr):
    return next(each for each in choice.grid if each.lr == lr)


def test_every_condition_has_the_same_grid_and_seeds_that_no_user_can_ask_for():
    replicas = tuning_replicas()
    assert len(replicas) == len(set(replicas)) == 15
    assert {replica.lr for replica in replicas} == set(GRID)
    assert min(replica.seed for replica in replicas) > MAX_SEED


def test_the_highest_mean_score_wins():
    choice = choose_rate(
        grid(lr_1e_3=records(1e-3, (0.9, 0.1, 0.2)), lr_3e_3=records(3e-3, (0.6,) * 3)), STEPS
    )
    assert (choice.lr, choice.learned, choice.at_edge) == (3e-3, True, False)
    assert entry(choice, 1e-3).score == pytest.approx(0.4)
    assert entry(choice, 3e-3).score == pytest.approx(0.6)
    assert (entry(choice, 3e-3).steps, entry(choice, 3e-3).solved) == (STEPS, 0)


def test_of_rates_that_solve_alike_the_sooner_wins():
    slow = records(1e-3, (1.0,) * 3, solved_at=800)
    quick = records(3e-3, (0.995,) * 3, solved_at=400)
    assert choose_rate(grid(lr_1e_3=slow, lr_3e_3=quick), STEPS).lr == 3e-3
    worse = records(3e-3, (0.98,) * 3, solved_at=400)
    assert choose_rate(grid(lr_1e_3=slow, lr_3e_3=worse), STEPS).lr == 1e-3


@pytest.mark.parametrize("lr", [GRID[0], GRID[-1]])
def test_a_choice_at_the_edge_of_the_grid_is_marked(lr):
    found = [r for r in grid() if r["lr"] != lr] + records(lr, (0.5,) * 3)
    choice = choose_rate(found, STEPS)
    assert (choice.lr, choice.at_edge) == (lr, True)


def test_where_nothing_learns_the_default_is_taken_and_it_is_said():
    choice = choose_rate(grid(lr_1e_2=records(1e-2, (0.04, 0.05, 0.05))), STEPS)
    assert (choice.lr, choice.learned, choice.at_edge) == (UNTUNED, False, False)


def test_a_diverged_seed_counts_as_remembering_nothing():
    diverged = records(1e-2, (1.0,) * 3, status="diverged")
    choice = choose_rate(grid(lr_1e_2=diverged, lr_1e_3=records(1e-3, (0.2,) * 3)), STEPS)
    assert choice.lr == 1e-3
    assert entry(choice, 1e-2).score == 0.0


def test_a_dropped_rate_is_never_chosen():
    dropped = records(1e-2, (0.9,) * 3, status="dropped")
    choice = choose_rate(grid(lr_1e_2=dropped, lr_1e_3=records(1e-3, (0.895,) * 3)), STEPS)
    assert choice.lr == 1e-3
    assert entry(choice, 1e-2).dropped


def test_scores_are_cut_to_0_to_1_so_that_one_wild_seed_does_not_decide():
    wild = records(1e-2, (-50.0, 0.9, 0.9))
    assert choose_rate(grid(lr_1e_2=wild, lr_1e_3=records(1e-3, (0.5,) * 3)), STEPS).lr == 1e-2


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


def test_tuning_seeds_are_the_last_that_streams_have():
    from rnnbench.training.streams import MAX_SEED as LAST

    assert TUNING_SEEDS == (LAST - 2, LAST - 1, LAST)
