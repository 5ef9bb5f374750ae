"""Mirror every run to Weights & Biases as it trains, and send later what it lacks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rnnbench.console import message_of
from rnnbench.store.records import Record, is_finished
from rnnbench.tracker.client import Outage, Settings, own_client
from rnnbench.tracker.run import conclude, log_row, start_run, wandb_id

if TYPE_CHECKING:
    import wandb


# Offline nothing but this machine is waited for: on a busy one W&B's client takes long to begin.
CLOSE_SECONDS = {"online": 10.0, "offline": 60.0}


def open_tracker(settings: Settings, output_dir: Path, sweep: str) -> Tracker:
    """Return the tracker that was configured; a sweep's name is its runs' group, unless given."""
    return Tracker() if settings["kind"] == "none" else WandbTracker(settings, output_dir, sweep)


class Tracker:
    """Hears of runs as they train, and does nothing."""

    def start(self, record: Mapping[str, Any]) -> None:
        """Hear that a run begins, from its record as far as it is known."""

    def log(self, run_id: str, row: Mapping[str, float]) -> None:
        """Hear of an evaluation of a run."""

    def finish(self, record: Mapping[str, Any]) -> None:
        """Hear that a run has ended, from its record."""

    def close(self) -> None:
        """Hear that no more will come."""


class WandbTracker(Tracker):
    """Mirrors each replica as a W&B run, several at once.

    W&B is asked in a thread of its own, so that training waits for it at the end alone, and then
    for a limited time. After an error it is asked no more.
    """

    def __init__(self, settings: Settings, output_dir: Path, sweep: str) -> None:
        self.settings, self.output_dir, self.sweep = settings, output_dir, sweep
        self.outage = Outage(output_dir)
        self.runs: dict[str, wandb.Run] = {}
        self.finishing: list[threading.Thread] = []
        self.orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def start(self, record: Mapping[str, Any]) -> None:
        """Open a run; its id is fixed, so that a rerun goes on with it instead of doubling it."""
        self.orders.put(partial(self._start, record))

    def log(self, run_id: str, row: Mapping[str, float]) -> None:
        """Add a row of history, unless the server has it from before a resume."""
        self.orders.put(lambda: log_row(self.runs[run_id], row))

    def finish(self, record: Mapping[str, Any]) -> None:
        """Close a run with its results as the summary."""
        self.orders.put(partial(self._finish, record))

    def close(self) -> None:
        """Close the runs that are still open: they were stopped half-way, and will go on."""
        self.orders.put(self._finish_all)
        self.orders.put(None)
        limit = CLOSE_SECONDS[self.settings["mode"]]
        self.thread.join(limit)
        if self.thread.is_alive():
            self.outage.begin(f"it needs more than {limit:.0f} s for what is left")

    def _work(self) -> None:
        """Carry out the orders in turn, until the last has come and all runs are closed."""
        for order in iter(self.orders.get, None):
            self._attempt(order)
        for thread in self.finishing:
            thread.join()

    def _attempt(self, order: Callable[[], None]) -> None:
        if self.outage.is_on:
            return
        try:
            order()
        except Exception as error:  # whatever the client raises: a mirror must not stop training
            self.outage.begin(message_of(error))

    def _start(self, record: Mapping[str, Any]) -> None:
        self.runs[record["run_id"]] = start_run(self.settings, self.output_dir, self.sweep, record)

    def _finish(self, record: Mapping[str, Any]) -> None:
        run = self.runs.pop(record["run_id"])
        self._send(run, conclude(run, record))

    def _finish_all(self) -> None:
        while self.runs:
            self._send(self.runs.popitem()[1], 1)

    def _send(self, run: wandb.Run, code: int) -> None:
        """Let a run send what is left of it, beside the others."""
        finish = partial(self._attempt, partial(run.finish, exit_code=code))
        thread = threading.Thread(target=finish, daemon=True)
        thread.start()
        self.finishing.append(thread)


ANSWER_SECONDS = 20
AT_ONCE = 300  # runs that the server is asked for


def missing_runs(settings: Settings, sweep: str, records: Sequence[Record]) -> list[Record]:
    """Return the records whose run the server has not, or has not to its end.

    Raises:
        Exception: whatever the client raises where the server does not answer.
    """
    ids = [wandb_id(sweep, record) for record in records]
    states: dict[str, str] = {}
    with own_client(online=True) as client:
        api = client.Api(timeout=ANSWER_SECONDS)
        project = f"{settings['entity'] or api.default_entity}/{settings['project']}"
        try:
            for start in range(0, len(ids), AT_ONCE):
                some = {"name": {"$in": ids[start : start + AT_ONCE]}}
                runs = api.runs(project, filters=some, per_page=AT_ONCE)
                states |= {run.id: run.state for run in runs}
        except ValueError as error:
            if "Could not find project" not in str(error):
                raise  # it comes into being with its first run
    return [r for name, r in zip(ids, records, strict=True) if states.get(name) != _end_of(r)]


def send_run(settings: Settings, output_dir: Path, sweep: str, record: Record) -> str | None:
    """Send from its record what the server lacks of a run; return why it was not taken, or None."""
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
    return "finished" if is_finished(record) else "failed"
