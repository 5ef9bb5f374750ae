"""The closing table: what a sweep has, what it lacks, and where it lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rnnbench.condition import Condition, Replica
from rnnbench.errors import printable
from rnnbench.launcher.plan import Plan, finished
from rnnbench.records import Record
from rnnbench.tally import Tally

KINDS = ("done", "skipped", "failed", "left")


def close(plan: Plan, records: Mapping[str, Record], errors: Mapping[str, str]) -> Tally:
    """Compare the store with the sweep.

    Args:
        plan: what there was to do.
        records: what is stored now.
        errors: of the conditions that failed, by condition id: also those whose failure could
            not be stored.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    failures = []
    kind_of = _kinds(plan, records, errors)
    for condition, replicas in plan.sweep.jobs:
        kinds = [kind_of(condition, replica) for replica in replicas]
        row = counts.setdefault((condition.task["name"], condition.cell["name"]), Counter())
        row.update(kinds)
        if "failed" in kinds:
            failures.append(_failure(condition, replicas, kinds, records, errors))
    return Tally(counts, tuple(failures))


def format_closing(closing: Tally) -> str:
    """Return the table as text, and below it what failed."""
    shown = [kind for kind in KINDS if kind != "left" or closing.total["left"]]
    return "\n".join([closing.table(shown), *map(printable, closing.failure_lines())])


def _kinds(
    plan: Plan, records: Mapping[str, Record], errors: Mapping[str, str]
) -> Callable[[Condition, Replica], str]:
    """Return what tells a replica's kind; the records, which may be many, are gone through once."""
    complete = finished(records)

    def kind_of(condition: Condition, replica: Replica) -> str:
        run_id = condition.run_id(replica)
        if run_id in complete:
            return "skipped" if run_id in plan.stored else "done"
        failed = run_id in records or condition.condition_id in errors
        return "failed" if failed else "left"

    return kind_of


def _failure(
    condition: Condition,
    replicas: Sequence[Replica],
    kinds: Sequence[str],
    records: Mapping[str, Record],
    errors: Mapping[str, str],
) -> str:
    failed = [r for r, kind in zip(replicas, kinds, strict=True) if kind == "failed"]
    stored = (records.get(condition.run_id(replica), {}).get("error") for replica in failed)
    error = errors.get(condition.condition_id) or next(filter(None, stored), "unknown error")
    count = f"{len(failed)} of {len(replicas)} replicas"
    return f"{condition.name} ({count}): {error}"
