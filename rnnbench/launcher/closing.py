"""The closing table: what a sweep has, what it lacks, and where it lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rnnbench.console import describe, printable, say, warn
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.launcher.plan import Remaining
from rnnbench.store.records import Record, finished
from rnnbench.store.standing import Tally

KINDS = ("done", "skipped", "failed", "left")


def close(plan: Remaining, records: Mapping[str, Record], errors: Mapping[str, str]) -> Tally:
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
    plan: Remaining, records: Mapping[str, Record], errors: Mapping[str, str]
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


def sum_up(plan: Remaining, mode: str) -> Path | None:
    """Draw the report, and mirror it; neither may cost the sweep its exit code.

    Returns:
        The page; None where there is none of these results.
    """
    directory = plan.sweep.output_dir
    try:
        from rnnbench.report import is_drawn, write_report

        if not plan.jobs and is_drawn(directory):
            return directory / "report" / "index.html"
        report = write_report([directory])
        if mode != "none":
            from rnnbench.tracker import mirror_summary

            mirror_summary(plan.sweep.name, {**plan.sweep.tracker, "mode": mode}, directory, report)
        return report / "index.html"
    except ModuleNotFoundError as lacking:
        package = (lacking.name or "a package").partition(".")[0]
        where = f"python -m rnnbench.report {directory}, where it is"
        say(f"no report is drawn, as {package} is not installed: {where}")
    except Exception as error:
        warn(f"the report could not be drawn: {describe(error)}")
    return None


def say_where(plan: Remaining, page: Path | None, closing: Tally, *, stopped: bool) -> None:
    """Print where results and report lie, and what is left to do."""
    print(f"results: {plan.sweep.output_dir}")
    if page is not None:
        print(f"report:  {page}")
    if closing.total["left"]:
        say(f"{closing.total['left']} replicas are left: the same command continues")
    elif stopped:
        say("stopped before the report was drawn: the same command continues")
