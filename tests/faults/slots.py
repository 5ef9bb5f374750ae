"""Faults side by side, one per core, each in a directory of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count, islice
from pathlib import Path

from tests.faults.bench import Bench
from tests.faults.schedule import Fault
from tests.faults.table import Outcome
from tests.faults.trial import Missed, Trial
from tests.faults.verdict import Verdict, conclude


def put_to_all(
    faults: Iterator[Fault], wanted: int, bench: Bench, directory: Path, slots: int
) -> Iterator[Outcome]:
    """Yield what comes of faults until so many have come about, or there are no more.

    Args:
        faults: what there is.
        wanted: faults that come about; those that miss are made up for by later ones.
        bench: what the sweeps are compared with.
        directory: to work in.
        slots: sweeps at a time.
    """
    places = (directory / f"{number:04d}" for number in count())
    context = multiprocessing.get_context("fork")  # what is imported is shared
    with ProcessPoolExecutor(slots, mp_context=context) as pool:
        running: set[Future[Outcome]] = set()
        done = 0
        while done < wanted:
            for fault in islice(faults, min(slots, wanted - done) - len(running)):
                running.add(pool.submit(put, fault, bench, next(places)))
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for outcome in (future.result() for future in ended):
                done += outcome.missed is None
                yield outcome


def put(fault: Fault, bench: Bench, directory: Path) -> Outcome:
    """Put one fault to a sweep of its own."""
    trial = Trial(directory, fault.draw, fault.cold, bench, fault.kind.engine)
    began = time.monotonic()
    verdict, missed = Verdict(), None
    with trial.leaving:
        trial.furnish()
        try:
            fault.kind.disturb(trial)
            verdict = conclude(trial)
        except Missed as error:
            missed = str(error)
    seconds = time.monotonic() - began
    return Outcome(fault.kind.name, fault.number, seconds, verdict.lost, verdict.wrong, missed)
