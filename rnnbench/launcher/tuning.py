"""Tuning comes first: from a sweep to its tuning runs, and from these back to the sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnbench.condition import Condition, Replica, Sweep
from rnnbench.launcher.plan import finished, stored_records
from rnnbench.tuning import GRID, TUNING_SEEDS, UNTUNED, Choice, choose, tuning_replicas

DIRECTORY = "tuning"


def tuning_sweep(sweep: Sweep) -> Sweep:
    """Return the tuning runs of all conditions whose rate is left to tuning.

    They lie in a directory of their own, so that no report ever counts them.
    """
    jobs = tuple((condition, tuning_replicas()) for condition, _ in sweep.jobs if condition.tuned)
    place = sweep.output_dir / DIRECTORY
    tracker = {**sweep.tracker, "kind": "none"}
    return replace(sweep, output_dir=place, tracker=tracker, jobs=jobs, is_tuning=True)


def settle(sweep: Sweep) -> Sweep:
    """Return the sweep with the chosen rates, where the tuning runs of a condition are complete."""
    choices = {identity: choice.as_record() for identity, choice in _choices(sweep).items()}
    rates = {identity: choice["lr"] for identity, choice in choices.items()}
    return replace(_with_rates(sweep, rates), choices=choices)


def with_untuned_rates(sweep: Sweep) -> Sweep:
    """Return the sweep with a stand-in where a rate is not chosen yet: a step costs the same."""
    return _with_rates(sweep, {condition.condition_id: UNTUNED for condition, _ in sweep.jobs})


def tuning_budget() -> str:
    """Return in words what a condition's tuning takes."""
    return f"{len(GRID)} learning rates x {len(TUNING_SEEDS)} seeds each"


def describe_choices(sweep: Sweep) -> list[str]:
    """Return warnings on the rates that were chosen for a settled sweep."""
    at_edge, untold = [], []
    for condition, _ in sweep.jobs:
        choice = sweep.choices.get(condition.condition_id)
        if choice and choice["at_edge"]:
            at_edge.append(f"{condition.name} ({choice['lr']:g})")
        elif choice and not choice["learned"]:
            untold.append(condition.name)
    lines = []
    if at_edge:
        found = f"the best learning rate is at the edge of the grid: {', '.join(at_edge)}"
        lines.append(f"warning: {found}")
    if untold:
        lines.append(
            f"no learning rate learned anything, {UNTUNED:g} is taken: {', '.join(untold)}"
        )
    return lines


def _choices(sweep: Sweep) -> dict[str, Choice]:
    tuning = tuning_sweep(sweep)
    if not tuning.jobs:
        return {}
    records = stored_records(tuning)
    complete = finished(records)
    choices = {}
    for condition, replicas in tuning.jobs:
        identities = [condition.run_id(replica) for replica in replicas]
        if complete.issuperset(identities):
            own = [records[identity] for identity in identities]
            choices[condition.condition_id] = choose(own, condition.trainer["steps"])
    return choices


def _with_rates(sweep: Sweep, rates: Mapping[str, float]) -> Sweep:
    def fill(condition: Condition, replica: Replica) -> Replica:
        lr = rates.get(condition.condition_id) if replica.lr is None else replica.lr
        return Replica(replica.seed, lr)

    jobs = tuple((c, tuple(fill(c, replica) for replica in rs)) for c, rs in sweep.jobs)
    return replace(sweep, jobs=jobs)
