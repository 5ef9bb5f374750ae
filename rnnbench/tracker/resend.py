"""Send what W&B lacks of a sweep: asked of the server, taken from stored records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rnnbench.errors import message_of
from rnnbench.records import Record
from rnnbench.tracker.client import quiet_client
from rnnbench.tracker.run import conclude, log_row, start_run, wandb_id

ANSWER_SECONDS = 20


def missing_runs(
    settings: Mapping[str, Any], sweep: str, records: Sequence[Record]
) -> list[Record]:
    """Return the records whose run the server has not, or has not to its end.

    Raises:
        Exception: whatever the client raises where the server does not answer.
    """
    api = quiet_client().Api(timeout=ANSWER_SECONDS)
    project = f"{settings['entity'] or api.default_entity}/{settings['project']}"
    try:
        runs = api.runs(project, filters={"group": sweep}, per_page=300)
        states = {run.id: run.state for run in runs}
    except ValueError as error:
        if "Could not find project" not in str(error):
            raise
        states = {}  # it comes into being with its first run
    return [r for r in records if states.get(wandb_id(sweep, r)) != _end_of(r)]


def send_run(
    settings: Mapping[str, Any], output_dir: Path, sweep: str, record: Record
) -> str | None:
    """Send one run from its record, but for the rows that the server has.

    Returns:
        None, or why W&B has not taken it.
    """
    try:
        with TemporaryDirectory() as place:  # the record is kept already: no second copy
            run = start_run(settings, Path(place), sweep, record)
            for row in record["history"]:
                log_row(run, row)
            run.finish(exit_code=conclude(run, record))
    except Exception as error:  # whatever the client raises
        return message_of(error)
    mark_sent(output_dir, wandb_id(sweep, record))
    return None


def mark_sent(output_dir: Path, run: str) -> None:
    """Mark a run's offline files as W&B does, so that `wandb sync` does not send them again."""
    place = output_dir.resolve() / "wandb"
    for file in place.glob(f"*run-*-{run}/run-{run}.wandb"):
        mark = file.with_suffix(".wandb.synced")
        if mark.resolve() == mark:  # a link would have a file elsewhere touched
            mark.touch()


def _end_of(record: Record) -> str:
    return "failed" if record["status"] == "failed" else "finished"
