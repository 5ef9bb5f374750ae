"""Find what tuning still has to train for a sweep, and fill in the rates that it has chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnnbench.console import count
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Sweep
from rnnbench.experiment.tuning import (
    UNTUNED,
    Choice,
    Results,
    choose_rate,
    next_replicas,
    seed_result,
    told_results,
)
from rnnbench.launcher.edited import read_current
from rnnbench.store.files import TUNING
from rnnbench.store.records import Record, Store, choice_rank, is_finished, stored_records
from rnnbench.store.settings import curve_id

Job = tuple[Condition, tuple[Replica, ...]]
Choices = Mapping[str, Mapping[str, Any]]


def with_told_rates(sweep: Sweep) -> Sweep:
    """Return the sweep with the choices that stored runs tell: results may lack their tuning's."""
    tuned = {condition.condition_id for condition, _ in sweep.jobs if condition.tuned}
    if sweep.retrain or not tuned:
        return sweep
    latest: dict[str, Record] = {}
    for record in filter(is_finished, stored_records(sweep.output_dir).values()):
        identity = record["condition_id"]
        if identity in tuned and record.get("tuning"):
            latest[identity] = max(latest.get(identity, record), record, key=choice_rank)
    return replace(sweep, choices={key: record["tuning"] for key, record in latest.items()})


def plan_tuning(sweep: Sweep, records: Mapping[str, Record] | None = None) -> tuple[Sweep, Sweep]:
    """Return the tuning runs that can start now, and the sweep with the rates chosen so far.

    Tuning runs lie in a directory of their own, so that no report ever counts them. What comes
    after them depends on how they end. `records` are those of earlier ones, by run id; they are
    read where None is given.
    """
    jobs, choices = _standing(sweep, records)
    rates = {identity: choice["lr"] for identity, choice in choices.items()}
    return _of_tuning(sweep, jobs), replace(_with_rates(sweep, rates), choices=choices)


def with_chosen_rates(sweep: Sweep) -> Sweep:
    """Return the sweep with the rates that stored runs tell, or that tuning has chosen by now."""
    return plan_tuning(with_told_rates(sweep))[1]


def store_choices(told: Choices, sweep: Sweep) -> None:
    """Write into stored runs how their rate is chosen now, where what they tell has grown since."""
    store = Store(sweep.output_dir)
    for condition, replicas in sweep.jobs:
        choice = sweep.choices.get(condition.condition_id)
        if choice is not None and told.get(condition.condition_id, choice) != choice:
            for record in store.find(map(condition.run_id, replicas), strict=True).values():
                store.write({**record, "tuning": choice})


def remove_replaced_tuning(sweep: Sweep) -> None:
    """Remove tuning runs of other code of conditions whose rate has been chosen without them."""
    tuning = _of_tuning(sweep, sweep.jobs)
    for run in read_current(tuning)[1]:
        if run.condition.condition_id in sweep.choices:
            Store(tuning.output_dir).remove(run.record["run_id"])


def with_untuned_rates(sweep: Sweep) -> Sweep:
    """Fill in UNTUNED for rates not chosen yet, to estimate time: the rate does not change it."""
    return _with_rates(sweep, {condition.condition_id: UNTUNED for condition, _ in sweep.jobs})


def tuning_budget(sweep: Sweep) -> str:
    """Describe how many rates and seeds the conditions of a tuning sweep train now."""
    sizes = {(len({lr for _, lr in rs}), len({s for s, _ in rs})) for _, rs in sweep.jobs}
    return ", ".join(
        f"{count(rates, 'learning rate')} x {count(seeds, 'seed')} each"
        for rates, seeds in sorted(sizes, reverse=True)
    )


def choice_warnings(sweep: Sweep) -> list[str]:
    """Return warnings: rates at the end of all that are tried, and where nothing was learned."""
    at_edge, unlearned = [], []
    names = sweep.names
    for condition, _ in sweep.jobs:
        name = names[condition.condition_id]
        choice = sweep.choices.get(condition.condition_id)
        if choice and choice["at_edge"]:
            at_edge.append(f"{name} ({choice['lr']:g})")
        elif choice and not choice["learned"]:
            unlearned.append(name)
    edge = "warning: the best learning rate is at the end of all that are tried"
    nothing = f"no learning rate learned anything, {UNTUNED:g} is taken"
    found = ((edge, at_edge), (nothing, unlearned))
    return [f"{what}: {', '.join(names)}" for what, names in found if names]


def _of_tuning(sweep: Sweep, jobs: Iterable[Job]) -> Sweep:
    """Return the tuned ones of some jobs, in the directory of tuning."""
    tuned = tuple(job for job in jobs if job[0].tuned)
    tracker, place = {**sweep.tracker, "kind": "none"}, sweep.output_dir / TUNING
    own = replace(sweep, output_dir=place, tracker=tracker, choices={})
    return replace(own, jobs=tuned, is_tuning=True)


def _standing(sweep: Sweep, records: Mapping[str, Record] | None) -> tuple[list[Job], Choices]:
    """Return what tuning can train now, and the choices for conditions that need no more."""
    if records is None:
        standing = _standing(sweep, {})
        if not standing[0]:
            return standing  # what runs tell is enough
        records, _ = read_current(_of_tuning(sweep, sweep.jobs))
    tuned = [condition for condition, _ in sweep.jobs if condition.tuned]
    found = _found(tuned, sweep.choices, records)
    jobs: list[Job] = []
    choices: dict[str, Mapping[str, Any]] = {}
    for group in _groups(tuned):
        settled = _settle(list(_candidates(group)), found)
        if isinstance(settled, Choice):
            choices |= {condition.condition_id: settled.as_record() for condition in group}
        else:
            jobs.append(settled)
    return jobs, choices


def _found(
    tuned: Sequence[Condition], told: Choices, records: Mapping[str, Record]
) -> dict[str, Results]:
    """Return the results of tuning at each condition: those of records before those that runs tell.

    What a run tells was found at the gap where its rate was tuned, which may be another's.
    """
    found: dict[str, dict[Replica, Any]] = {c.condition_id: {} for c in tuned}
    places = {(curve_id(c.all_settings), c.task["gap"]): c for c in tuned}
    for condition in tuned:
        choice = told.get(condition.condition_id)
        gap = choice and choice.get("gap", condition.task["gap"])
        place = places.get((curve_id(condition.all_settings), gap))
        if choice and place:
            found[place.condition_id] |= told_results(place, choice)
    by_id = {condition.condition_id: condition for condition in tuned}
    for record in filter(is_finished, records.values()):
        of = by_id.get(record["condition_id"])
        if of is not None:
            replica = Replica(record["seed"], record["lr"])
            found[of.condition_id][replica] = seed_result(record, of.trainer["steps"])
    return dict(found)


def _groups(tuned: Sequence[Condition]) -> list[list[Condition]]:
    """Return the conditions that share a rate: each for itself, or all gaps of a curve."""
    groups: dict[str, list[Condition]] = {}
    for condition in tuned:
        per_task = condition.tuning["per"] == "task"
        key = curve_id(condition.all_settings) if per_task else condition.condition_id
        groups.setdefault(key, []).append(condition)
    return list(groups.values())


def _candidates(group: Sequence[Condition]) -> Iterator[Condition]:
    """Yield where the rate of a group is tuned: at its lower middle gap, then at shorter ones."""
    ordered = sorted(group, key=lambda condition: condition.task["gap"])
    yield from reversed(ordered[: (len(ordered) + 1) // 2])


def _settle(candidates: Sequence[Condition], found: Mapping[str, Results]) -> Choice | Job:
    """Return the choice, or where it is not made yet the replicas of a condition that it takes."""
    for condition in candidates:
        results = found[condition.condition_id]
        replicas = next_replicas(condition, results)
        if replicas:
            return condition, replicas
        choice = choose_rate(condition, results)
        if choice.learned:
            break
    return choice


def _with_rates(sweep: Sweep, rates: Mapping[str, float]) -> Sweep:
    def fill(condition: Condition, replica: Replica) -> Replica:
        lr = rates.get(condition.condition_id) if replica.lr is None else replica.lr
        return Replica(replica.seed, lr)

    jobs = tuple((c, tuple(fill(c, replica) for replica in rs)) for c, rs in sweep.jobs)
    return replace(sweep, jobs=jobs)
