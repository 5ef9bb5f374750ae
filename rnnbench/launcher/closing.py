"""Close a sweep: draw the report, and tell what the sweep has, what it lacks and where it lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.console import ExitCode, count, count_are, describe, printable, say, warn
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.launcher.edited import read_current
from rnnbench.launcher.plan import Remaining
from rnnbench.store.records import Record, is_finished
from rnnbench.store.standing import Tally

KINDS = ("done", "skipped", "failed", "left")


def close(
    remaining: Remaining, errors: Mapping[str, str], tracker: Mapping[str, Any], *, stopped: bool
) -> int:
    """Compare the store with the sweep, draw the report, print the closing table.

    Args:
        errors: of the conditions that failed, by condition id: also those whose failure could
            not be stored.
        stopped: an interrupt has come, and no report is drawn.

    Returns:
        The exit code: 0 if every replica has a result, else 1.
    """
    directory = remaining.sweep.output_dir
    is_changed = remaining.jobs or remaining.twins
    records = read_current(remaining.sweep)[0] if is_changed else remaining.records
    tally = tally_of(remaining, records, errors)
    page = None if stopped else draw(remaining, tracker)
    print(format_closing(tally))
    print(f"results: {directory}")
    if page is not None:
        print(f"report:  {page}")
    if tally.total["left"]:
        say(f"{count_are(tally.total['left'], 'replica')} left: the same command continues")
    elif stopped:
        say("stopped before the report was drawn: the same command continues")
    return ExitCode.DONE if tally.complete else ExitCode.NOT_ALL


def tally_of(
    remaining: Remaining, records: Mapping[str, Record], errors: Mapping[str, str]
) -> Tally:
    """Count what is done, skipped, failed and left; arguments as in `close`."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    failures = []
    sweep = remaining.sweep
    labels, names = sweep.labels, sweep.names

    def kind_of(condition: Condition, replica: Replica) -> str:
        run_id = condition.run_id(replica)
        if run_id in records and is_finished(records[run_id]):
            return "skipped" if run_id in remaining.finished else "done"
        failed = run_id in records or condition.condition_id in errors
        return "failed" if failed else "left"

    for condition, replicas in sweep.jobs:
        identity = condition.condition_id
        kinds = {replica: kind_of(condition, replica) for replica in replicas}
        row = counts.setdefault((condition.task["name"], labels[identity]), Counter())
        row.update(kinds.values())
        failed = [replica for replica, kind in kinds.items() if kind == "failed"]
        if failed:
            stored = (records.get(condition.run_id(r), {}).get("error") for r in failed)
            reasons = [errors.get(identity), *stored, "unknown error"]
            share = f"{len(failed)} of {count(len(replicas), 'replica')}"
            failures.append(f"{names[identity]} ({share}): {next(filter(None, reasons))}")
    return Tally(counts, tuple(failures))


def format_closing(tally: Tally) -> str:
    """Return the table as text, and below it what failed."""
    shown = [kind for kind in KINDS if kind != "left" or tally.total["left"]]
    return "\n".join([tally.table(shown), *map(printable, tally.failure_lines())])


def draw(remaining: Remaining, tracker: Mapping[str, Any]) -> Path | None:
    """Draw the report, mirror it and return its page; None where that fails: it costs no sweep."""
    directory, baseline = remaining.sweep.output_dir, remaining.sweep.baseline
    try:
        from rnnbench.report import is_drawn

        if not (remaining.jobs or remaining.twins) and is_drawn(directory, baseline):
            return directory / "report" / "index.html"
        from rnnbench.report import write_report
        from rnnbench.report.study import Part

        report = write_report([directory], part=Part(baseline=baseline))
        if tracker["kind"] != "none":
            from rnnbench.tracker import mirror_summary

            mirror_summary(remaining.sweep.name, tracker, directory, report)
        return report / "index.html"
    except ModuleNotFoundError as lacking:
        package = (lacking.name or "a package").partition(".")[0]
        where = f"python -m rnnbench.report {directory}, where it is"
        say(f"no report is drawn, as {package} is not installed: {where}")
    except Exception as error:
        warn(f"the report could not be drawn: {describe(error)}")
    return None
