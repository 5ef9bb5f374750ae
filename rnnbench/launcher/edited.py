"""Find stored runs that an own cell or task gave before it was edited, and replace them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rnnbench.console import count
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Sweep
from rnnbench.launcher.backends import CannotRun
from rnnbench.store.records import Record, Store, stored_records


class EditedRun(NamedTuple):
    """A stored run of a condition that is asked for, from other code of its cell or task.

    Attributes:
        classes: those that were edited since, in words.
    """

    record: Record
    condition: Condition
    classes: tuple[str, ...]


def read_current(sweep: Sweep) -> tuple[dict[str, Record], tuple[EditedRun, ...]]:
    """Return the stored records by run id, and apart from them those of edited classes.

    Raises:
        CannotRun: there are some of these, and they are not to be trained again, or not all.
        OSError, NewerRecord: a record cannot be read.
    """
    records = dict(stored_records(sweep.output_dir)) if sweep.jobs else {}
    edited = find_edited(sweep, records)
    if edited and not sweep.retrain:
        raise CannotRun(
            f"{_classes(edited)}: edited since the training of {_runs(sweep, edited)}: "
            "raise the version, or have retrain=true train them again in their place"
        )
    unasked = [run for run in edited if not _is_asked(run, sweep)]
    if unasked:
        raise CannotRun(
            f"retrain=true must ask for all runs of {_classes(unasked)} in its conditions, "
            f"or they would be of two codes; it leaves out {_runs(sweep, unasked)}"
        )
    for run in edited:
        del records[run.record["run_id"]]
    return records, edited


def find_edited(sweep: Sweep, records: Mapping[str, Record]) -> tuple[EditedRun, ...]:
    """Return those of the records that are of a sweep's conditions, but of other code."""
    from rnnbench.training.code import code_of, edited_parts  # here, as it takes torch

    asked = {condition.condition_id: condition for condition, _ in sweep.jobs}
    found = []
    for record in records.values():
        condition = asked.get(record["condition_id"])
        if condition is None or not record.get("code"):
            continue
        other = edited_parts(record, code_of(condition))
        if other:
            classes = tuple(f"{part} {condition.settings[part]['_target_']}" for part in other)
            found.append(EditedRun(record, condition, classes))
    return tuple(found)


def describe_replacing(sweep: Sweep, edited: Sequence[EditedRun]) -> str:
    """Return in a line what is trained again."""
    return (
        f"retrain replaces {_runs(sweep, edited)}, from before an edit of {_classes(edited)}, "
        "and removes what was measured of them"
    )


def forget_measured(sweep: Sweep, edited: Sequence[EditedRun]) -> None:
    """Remove what was measured of runs of other code: it is not that of the runs to come."""
    run_ids = [run.record["run_id"] for run in edited]
    for run_id in run_ids:
        (sweep.output_dir / "diagnosis" / f"{run_id}.json").unlink(missing_ok=True)
    if run_ids and (sweep.output_dir / "transfer.csv").exists():
        from rnnbench.store.tables import TRANSFER  # takes pandas

        TRANSFER.remove(sweep.output_dir, run_ids)


def remove_replaced(sweep: Sweep, edited: Sequence[EditedRun]) -> None:
    """Remove runs of other code whose seed has a run now at another, newly tuned learning rate."""
    store = Store(sweep.output_dir)
    asked = {condition.condition_id: replicas for condition, replicas in sweep.jobs}
    for run in edited:
        seed, run_id = run.record["seed"], run.record["run_id"]
        instead = [r for r in asked[run.condition.condition_id] if r.seed == seed]
        run_ids = [run.condition.run_id(r) for r in instead if r.lr is not None]
        if run.condition.tuned and run_id not in run_ids and store.trained(run_ids):
            store.remove(run_id)


def _is_asked(run: EditedRun, sweep: Sweep) -> bool:
    if sweep.is_tuning:  # which of its runs are trained again depends on how others end
        return True
    replicas = next(rs for c, rs in sweep.jobs if c.condition_id == run.condition.condition_id)
    seed, lr = run.record["seed"], run.record["lr"]
    if run.condition.tuned:  # whatever its rate was then
        return any(replica.seed == seed for replica in replicas)
    return Replica(seed, lr) in replicas


def _classes(edited: Sequence[EditedRun]) -> str:
    return ", ".join(sorted({name for run in edited for name in run.classes}))


def _runs(sweep: Sweep, edited: Sequence[EditedRun]) -> str:
    """Return how many runs there are, where, and of which conditions."""
    names = list(dict.fromkeys(sweep.names[run.condition.condition_id] for run in edited))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{count(len(edited), 'stored run')} of {sweep.output_dir} ({names[0]}{more})"
