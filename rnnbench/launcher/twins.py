"""Train nothing twice: a tuned run at a rate that is also given takes the results of that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Sweep
from rnnbench.store.records import Record, Store, is_finished
from rnnbench.tracker import open_tracker


def find_twins(sweep: Sweep) -> dict[str, str]:
    """Return the tuned runs at a given rate that the sweep has as well: run ids, by their own."""
    given = {c.run_id(replica) for c, replicas in sweep.jobs if not c.tuned for replica in replicas}
    pairs = {condition.run_id(own): untuned for condition, own, untuned in _settled(sweep)}
    return {run_id: untuned for run_id, untuned in pairs.items() if untuned in given}


def _settled(sweep: Sweep) -> Iterator[tuple[Condition, Replica, str]]:
    """Yield each tuned condition's replicas whose rate is chosen, and the run with it given."""
    for condition, replicas in sweep.jobs:
        if condition.condition_id in sweep.choices:
            untuned = replace(condition, tuned=False)
            yield from ((condition, own, untuned.run_id(own)) for own in replicas)


def store_twins(sweep: Sweep, run_ids: Iterable[str], tracker: Mapping[str, Any]) -> None:
    """Store and mirror these tuned runs, as far as the runs that they are the same as are finished.

    A twin has no weights of its own: its record says whose are its own.
    """
    twins, store = find_twins(sweep), Store(sweep.output_dir)
    wanted = {run_id: twins[run_id] for run_id in run_ids}
    trained = {k: r for k, r in store.find(wanted.values(), strict=True).items() if is_finished(r)}
    mirror = open_tracker(tracker if trained else {"kind": "none"}, sweep.output_dir, sweep.name)
    for condition, replica, untuned in _settled(sweep):
        run_id = condition.run_id(replica)
        if run_id in wanted and untuned in trained:
            record = _twin(trained[untuned], sweep, condition, run_id)
            store.write(record)
            mirror.start(record)
            for row in record["history"]:
                mirror.log(run_id, row)
            mirror.finish(record)
    mirror.close()


def _twin(trained: Record, sweep: Sweep, condition: Condition, run_id: str) -> Record:
    """Return the record of a tuned run from that of the same training."""
    return {
        **trained,
        "run_id": run_id,
        "condition_id": condition.condition_id,
        "config": condition.settings,
        "tuning": sweep.choices[condition.condition_id],
        "same_as": trained["run_id"],
        "sweep": sweep.name,
        "command": sweep.command,
    }
