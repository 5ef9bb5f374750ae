"""Choose a learning rate by trying a grid that grows: the same rules for all cells, tasks and gaps.

Tuning seeds have their own data and weights and are never reported. Every rate of the grid trains
the same few seeds. While the best rate is the lowest or the highest, the next one beyond it is
tried as well. Then the two best train as many seeds again. Rates are compared on the evaluation
stream; the reported seeds then train with the chosen one from the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.limits import LAST_SEED
from rnnbench.store.records import FIRST_SEEDS

# How the grid grows: to the next of these.
LADDER: Final = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
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


class SeedResult(NamedTuple):
    """What a tuning seed came to at a rate.

    Attributes:
        score: at the last evaluation, cut to 0 to 1; 0 if it diverged.
        steps: to solve the task; all steps where it did not.
        solved: 1 if it solved the task, else 0.
        dropped: its rate left the grid early.
    """

    score: float
    steps: float
    solved: float
    dropped: bool


class RateResult(NamedTuple):
    """The result of one learning rate: the mean of its SeedResults, and over how many seeds."""

    lr: float
    score: float
    steps: float
    solved: int
    dropped: bool
    seeds: int


class Choice(NamedTuple):
    """The rate that was chosen, and from what.

    Attributes:
        learned: some rate learned something; if not, `lr` is the untuned default.
        at_edge: the chosen rate is the lowest or highest that was tried, and the grid grows no
            further: a better one may lie beyond.
        gap: where it was tuned.
    """

    lr: float
    learned: bool
    at_edge: bool
    grid: tuple[RateResult, ...]
    gap: int

    def as_record(self) -> dict[str, Any]:
        """Return plain values, for the records of the runs that are trained with it."""
        return {**self._asdict(), "grid": [entry._asdict() for entry in self.grid]}


Results = Mapping[Replica, SeedResult]


def tuning_seeds(condition: Condition) -> tuple[int, ...]:
    """Return the seeds that tuning has for a condition: the last half trains at every rate."""
    return tuple(range(LAST_SEED + 1 - 2 * condition.tuning["seeds"], LAST_SEED + 1))


def first_replicas(condition: Condition, rates: Iterable[float]) -> tuple[Replica, ...]:
    """Return the replicas that each of these rates trains before they are compared."""
    seeds = tuning_seeds(condition)[condition.tuning["seeds"] :]
    return tuple(Replica(seed, lr) for lr in rates for seed in seeds)


def next_replicas(condition: Condition, found: Results) -> tuple[Replica, ...]:
    """Return what is to be trained before a rate can be chosen; nothing where it can."""
    rates = sorted({*condition.tuning["rates"], *(lr for _, lr in found if lr)})
    missing = [replica for replica in first_replicas(condition, rates) if replica not in found]
    ranked = [] if missing else ranked_rates(_grid(found))
    if ranked:
        beyond = _beyond(ranked[0], rates)
        missing = [*first_replicas(condition, beyond)]
    if len(ranked) > 1 and not missing:
        pairs = [Replica(seed, lr) for lr in ranked[:2] for seed in tuning_seeds(condition)]
        missing = [replica for replica in pairs if replica not in found]
    return tuple(missing)


def _beyond(lr: float, rates: Sequence[float]) -> list[float]:
    """Return the next rates below the lowest and above the highest, if `lr` is that one."""
    below = [rate for rate in LADDER if rate < rates[0]][-1:] if lr == rates[0] else []
    above = [rate for rate in LADDER if rate > rates[-1]][:1] if lr == rates[-1] else []
    return below + above


def choose_rate(condition: Condition, found: Results) -> Choice:
    """Choose a rate from all results of tuning at a condition's gap."""
    grid, gap = _grid(found), condition.task["gap"]
    ranked = ranked_rates(grid)
    if not ranked:
        return Choice(UNTUNED, False, False, grid, gap)
    return Choice(ranked[0], True, ranked[0] in (grid[0].lr, grid[-1].lr), grid, gap)


def ranked_rates(grid: Iterable[RateResult]) -> list[float]:
    """Return the rates that did not leave early, best first; none where nothing was learned."""
    left = [entry for entry in grid if not entry.dropped]
    if max((entry.score for entry in left), default=0.0) <= LEARNED:
        return []
    ranked = []
    while left:
        best = max(entry.score for entry in left)
        near = [entry for entry in left if entry.score >= best - NEAR]
        ranked.append(min(near, key=lambda entry: (entry.steps, -entry.score, entry.lr)))
        left.remove(ranked[-1])
    return [entry.lr for entry in ranked]


def _grid(found: Results) -> tuple[RateResult, ...]:
    by_rate: dict[float, list[SeedResult]] = {}
    for replica, result in found.items():
        by_rate.setdefault(replica.lr or UNTUNED, []).append(result)
    return tuple(_rate_result(lr, by_rate[lr]) for lr in sorted(by_rate))


def _rate_result(lr: float, results: Sequence[SeedResult]) -> RateResult:
    scores, steps, solved, dropped = zip(*results, strict=True)
    n = len(results)
    return RateResult(lr, sum(scores) / n, sum(steps) / n, round(sum(solved)), any(dropped), n)


def seed_result(record: Mapping[str, Any], steps: int) -> SeedResult:
    """Return what the record of a tuning replica says, of a condition of so many steps."""
    history = [] if record["status"] == "diverged" else record["history"]
    solved = record["steps_to_solve"]
    return SeedResult(
        score=score_at(history, steps),
        steps=steps if solved is None else solved,
        solved=float(solved is not None),
        dropped=record["status"] == "dropped",
    )


def told_results(condition: Condition, tuning: Mapping[str, Any]) -> dict[Replica, SeedResult]:
    """Return the results behind the choice in a run's record: each seed has its rate's mean."""
    seeds = tuning_seeds(condition)[::-1]
    found: dict[Replica, SeedResult] = {}
    for entry in tuning["grid"]:
        n = entry.get("seeds", FIRST_SEEDS)
        result = SeedResult(entry["score"], entry["steps"], entry["solved"] / n, entry["dropped"])
        found |= {Replica(seed, entry["lr"]): result for seed in seeds[:n]}
    return found


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
