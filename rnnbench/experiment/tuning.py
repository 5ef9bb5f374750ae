"""Plan learning-rate tuning and choose each rate: same grid and budget for all cells and gaps.

Tuning seeds have their own data and weights and are never reported. A rate is chosen for each
condition on the evaluation stream; then the reported seeds train with it from the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rnnbench.experiment.condition import Condition, Replica, Sweep
from rnnbench.store.files import TUNING
from rnnbench.store.records import Record, is_finished, stored_records

GRID = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
TUNING_SEEDS = (1021, 1022, 1023)  # the last that streams have; users' seeds end before them
# After this share of the steps, a rate leaves whose best seed is by MARGIN behind the worst seed
# of the best rate: however its seeds fall, it is not going to be chosen.
DROP_AFTER = 1 / 3
MARGIN = 0.1
# Mean scores this near are alike: of these, the rate that solves soonest is chosen.
NEAR = 0.01
# Where no rate has a mean score above this, nothing tells them apart, and UNTUNED is taken.
LEARNED = 0.05
UNTUNED = 1e-3
History = Sequence[Mapping[str, float]]


class RateResult(NamedTuple):
    """The result of one learning rate, averaged over the tuning seeds.

    Attributes:
        score: mean over the seeds at their last evaluation; a diverged one counts 0.
        steps: mean steps to solve; an unsolved seed counts all steps.
        solved: seeds that solved the task.
        dropped: the rate left the grid early.
    """

    lr: float
    score: float
    steps: float
    solved: int
    dropped: bool


class Choice(NamedTuple):
    """The rate that was chosen, and from what.

    Attributes:
        learned: some rate learned something; if not, `lr` is the untuned default.
        at_edge: the chosen rate is the grid's lowest or highest: a better one may lie beyond.
    """

    lr: float
    learned: bool
    at_edge: bool
    grid: tuple[RateResult, ...]

    def as_record(self) -> dict[str, Any]:
        """Return plain values, for the records of the runs that are trained with it."""
        grid = [entry._asdict() for entry in self.grid]
        return {**self._asdict(), "grid": grid, "seeds": list(TUNING_SEEDS)}


def tuning_replicas() -> tuple[Replica, ...]:
    """Return one replica for each pair of grid rate and tuning seed."""
    return tuple(Replica(seed, lr) for lr in GRID for seed in TUNING_SEEDS)


def drop_is_due(step: int, steps: int, eval_every: int) -> bool:
    """Return whether this step's evaluation is the first at or after DROP_AFTER of the steps."""
    return step % eval_every == 0 and step - eval_every < DROP_AFTER * steps <= step < steps


def score_at(history: History, step: int) -> float:
    """Return the last score up to a step, cut to 0 to 1; 0 where there is none."""
    scores = [row["score"] for row in history if row["step"] <= step]
    return min(max(scores[-1], 0.0), 1.0) if scores else 0.0


def rates_behind(scores: Mapping[float | None, Sequence[float]]) -> list[float | None]:
    """Return the rates whose best seed is more than MARGIN below the best rate's worst seed."""
    best = max(scores, key=lambda lr: sum(scores[lr]))
    bar = min(scores[best]) - MARGIN
    return [lr for lr, values in scores.items() if max(values) < bar]


def choose_rate(records: Sequence[Mapping[str, Any]], steps: int) -> Choice:
    """Choose a rate from the records of all tuning replicas of a condition of so many steps."""
    grid = tuple(_rate_result(lr, [r for r in records if r["lr"] == lr], steps) for lr in GRID)
    best = max(entry.score for entry in grid)
    if best <= LEARNED:
        return Choice(UNTUNED, False, False, grid)
    near = [entry for entry in grid if not entry.dropped and entry.score >= best - NEAR]
    chosen = min(near, key=lambda entry: (entry.steps, -entry.score, entry.lr))
    return Choice(chosen.lr, True, chosen.lr in (GRID[0], GRID[-1]), grid)


def _rate_result(lr: float, records: Sequence[Mapping[str, Any]], steps: int) -> RateResult:
    statuses = [record["status"] for record in records]
    histories = [[] if r["status"] == "diverged" else r["history"] for r in records]
    to_solve = [record["steps_to_solve"] for record in records]
    return RateResult(
        lr=lr,
        score=sum(score_at(history, steps) for history in histories) / len(histories),
        steps=sum(steps if each is None else each for each in to_solve) / len(to_solve),
        solved=sum(each is not None for each in to_solve),
        dropped="dropped" in statuses,
    )


def with_told_rates(sweep: Sweep) -> Sweep:
    """Return the sweep with the rates that stored runs tell: results may lack their tuning's."""
    tuned = {condition.condition_id for condition, _ in sweep.jobs if condition.tuned}
    if sweep.retrain or not tuned:
        return sweep
    told = {
        record["condition_id"]: record["tuning"]
        for record in stored_records(sweep.output_dir).values()
        if record["condition_id"] in tuned and record.get("tuning") and is_finished(record)
    }
    return replace(sweep, choices=told)


def tuning_sweep(sweep: Sweep) -> Sweep:
    """Return the tuning runs of all conditions whose rate is left to tuning and not told.

    They lie in a directory of their own, so that no report ever counts them.
    """
    open_ = [c for c, _ in sweep.jobs if c.tuned and c.condition_id not in sweep.choices]
    jobs = tuple((condition, tuning_replicas()) for condition in open_)
    place = sweep.output_dir / TUNING
    tracker = {**sweep.tracker, "kind": "none"}
    return replace(sweep, output_dir=place, tracker=tracker, jobs=jobs, is_tuning=True)


def with_chosen_rates(sweep: Sweep, records: Mapping[str, Record] | None = None) -> Sweep:
    """Return the sweep with the chosen rates, where the tuning runs of a condition are complete.

    `records` are those of the tuning runs, by run id; they are read where None is given.
    """
    tuning = tuning_sweep(sweep)
    if records is None:
        records = stored_records(tuning.output_dir) if tuning.jobs else {}
    chosen = {key: choice.as_record() for key, choice in _choices(tuning, records).items()}
    choices = {**sweep.choices, **chosen}
    settled = _with_rates(sweep, {identity: choice["lr"] for identity, choice in choices.items()})
    return replace(settled, choices=choices)


def with_untuned_rates(sweep: Sweep) -> Sweep:
    """Fill in UNTUNED for rates not chosen yet, to estimate time: the rate does not change it."""
    return _with_rates(sweep, {condition.condition_id: UNTUNED for condition, _ in sweep.jobs})


def tuning_budget() -> str:
    """Describe a condition's tuning budget: how many learning rates and how many seeds."""
    return f"{len(GRID)} learning rates x {len(TUNING_SEEDS)} seeds each"


def choice_warnings(sweep: Sweep) -> list[str]:
    """Return warnings: rates chosen at the grid's edge, and conditions that learned nothing."""
    at_edge, unlearned = [], []
    names = sweep.names
    for condition, _ in sweep.jobs:
        name = names[condition.condition_id]
        choice = sweep.choices.get(condition.condition_id)
        if choice and choice["at_edge"]:
            at_edge.append(f"{name} ({choice['lr']:g})")
        elif choice and not choice["learned"]:
            unlearned.append(name)
    edge = "warning: the best learning rate is at the edge of the grid"
    nothing = f"no learning rate learned anything, {UNTUNED:g} is taken"
    found = ((edge, at_edge), (nothing, unlearned))
    return [f"{what}: {', '.join(names)}" for what, names in found if names]


def _choices(tuning: Sweep, records: Mapping[str, Record]) -> dict[str, Choice]:
    """Return the choices for the conditions whose tuning runs are all finished, by their ids."""
    choices = {}
    for condition, replicas in tuning.jobs:
        own = [records[key] for key in map(condition.run_id, replicas) if key in records]
        if len(own) == len(replicas) and all(map(is_finished, own)):
            choices[condition.condition_id] = choose_rate(own, condition.trainer["steps"])
    return choices


def _with_rates(sweep: Sweep, rates: Mapping[str, float]) -> Sweep:
    def fill(condition: Condition, replica: Replica) -> Replica:
        lr = rates.get(condition.condition_id) if replica.lr is None else replica.lr
        return Replica(replica.seed, lr)

    jobs = tuple((c, tuple(fill(c, replica) for replica in rs)) for c, rs in sweep.jobs)
    return replace(sweep, jobs=jobs)
