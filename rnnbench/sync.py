"""`python -m rnnbench.sync DIR`: send what W&B lacks of a sweep, whatever became of it online."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rnnbench.console import ExitCode, Mistake, Parser, message_of, run_and_exit, say
from rnnbench.store.files import check_links
from rnnbench.store.records import Record, read_records
from rnnbench.tracker.client import Settings
from rnnbench.tracker.reach import add_destination, asked_destination

parser = Parser("rnnbench.sync", __doc__)
add_destination(parser)


def sync(directory: Path, settings: Settings) -> bool:
    """Send every run that the server has not got to its end, and the sweep's summary.

    Runs are sent from their stored records. What the server has of a run is not sent again, so it
    does not matter where the sweep, or an earlier attempt, was cut off. The first failure ends it.

    Returns:
        Whether all has been sent.

    Raises:
        FileNotFoundError: there are no results.
        LeadsOut: a link in the directory leads out of it.
    """
    check_links(directory)
    sweeps: dict[str, list[Record]] = {}
    for record in read_records(directory):
        sweeps.setdefault(record["sweep"], []).append(record)
    if not sweeps:
        raise FileNotFoundError(f"no runs at {directory}")
    online = {**settings, "mode": "online"}
    return all(_sync_sweep(directory, online, *sweep) for sweep in sweeps.items())


def _sync_sweep(directory: Path, settings: Settings, sweep: str, records: list[Record]) -> bool:
    from rnnbench.tracker.mirror import mark_sent, missing_runs, send_run
    from rnnbench.tracker.run import run_name, wandb_id

    left = missing_runs(settings, sweep, records)
    lacking = {record["run_id"] for record in left}
    for record in records:
        if record["run_id"] not in lacking:
            print(f"there already: {run_name(record)}")
            mark_sent(directory, wandb_id(sweep, record))
    for number, record in enumerate(left):
        reason = send_run(settings, directory, sweep, record)
        if reason is not None:
            return _fail(f"{run_name(record)} and {len(left) - number - 1} after it", reason)
        print(f"sent: {run_name(record)}", flush=True)
    return _send_summary(directory, settings, sweep)


def _send_summary(directory: Path, settings: Settings, sweep: str) -> bool:
    from rnnbench.report import write_report
    from rnnbench.tracker.mirror import mark_sent
    from rnnbench.tracker.summary import log_summary, summary_id

    report = write_report([directory])  # whatever lies there may be somebody else's
    try:
        lacked = log_summary(sweep, settings, directory, report)
    except Exception as error:  # whatever the client raises
        return _fail(f"{sweep} summary", message_of(error))
    print(f"{'sent' if lacked else 'there already'}: {sweep} summary")
    mark_sent(directory, summary_id(sweep))
    return True


def _fail(what: str, reason: str) -> bool:
    say(f"not sent: {what} (the same command continues): {reason}", parser.program)
    return False


@parser.command
def main(given: Namespace) -> int:
    """Send what W&B lacks; the exit code is 0 if it has all now, 1 if not, 2 if it got nothing."""
    from rnnbench.tracker.reach import find_problem

    if not given.results.is_dir():
        raise Mistake(f"no results at {given.results}")
    problem = find_problem()
    if problem is not None:
        raise Mistake(f"nothing can be sent: {problem}")
    try:
        sent = sync(given.results, asked_destination(given))
    except Exception as error:  # of a server that fails before the first run
        raise Mistake(f"nothing can be sent: {message_of(error)}") from error
    return ExitCode.DONE if sent else ExitCode.NOT_ALL


if __name__ == "__main__":
    run_and_exit(main)
