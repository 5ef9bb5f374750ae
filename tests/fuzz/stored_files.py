"""A results directory with everything that commands leave in one."""

from __future__ import annotations

import io
import shutil
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import rnnbench
from rnnbench.diagnose.__main__ import main as diagnose
from rnnbench.experiment.condition import Replica, condition_of
from rnnbench.experiment.sweep import Sweep
from rnnbench.guess.search import make_plan as plan_guesses
from rnnbench.guess.search import search
from rnnbench.launcher.plan_file import write_plan
from rnnbench.store.claims import claim_of, take
from rnnbench.store.records import consolidate, read_records
from rnnbench.store.standing import ProgressFile
from rnnbench.store.tables import GUESSES, TRANSFER
from rnnbench.tracker.reach import keep_destination
from rnnbench.transfer.evaluate import evaluate_replicas
from rnnbench.transfer.evaluate import make_plan as plan_transfer

SMALL = {
    "engine": "reference",
    "trainer.steps": 3,
    "model.hidden_size": 4,
    "trainer.eval_size": 8,
    "workers": 1,
}
RESULTS = "results"  # the directory's name, in a command's working directory
PLAN = "plan.json"


def make_directory(place: Path) -> Path:
    """Train two runs in a moment, and leave beside them what every other command leaves."""
    quiet = io.StringIO()
    with redirect_stdout(quiet), redirect_stderr(quiet):
        rnnbench.run(task="recall", cell="gru", gap=3, seeds=2, output_dir=place, **SMALL)
        diagnose([str(place), "--sequences", "64"])
        condition = condition_of(next(read_records(place)))
        jobs = ((condition, (Replica(0, 1e-3), Replica(1, 1e-3))),)
        write_plan(place / PLAN, Sweep("fuzz", place, 1, True, {"kind": "none"}, jobs))
    for plan, work, file in (
        (plan_transfer(place, None, None, None), evaluate_replicas, TRANSFER),
        (plan_guesses(place, 1, None, None), search, GUESSES),
    ):
        for job in plan[0]:
            file.add(place, work(job, print, threading.Event()))
    keep_destination({"project": "fuzz", "entity": None}, place)
    identity = condition.condition_id
    ProgressFile(place, identity).tell({"step": 1, "steps": 3, "active": 2, "accuracy": 0.5})
    claim = take(claim_of(place, identity))
    assert claim is not None
    shutil.rmtree(place / "report")
    return place


def consolidated(place: Path, copy: Path) -> Path:
    """Return a copy of a directory with its records in one file, as they are published."""
    shutil.copytree(place, copy, ignore=shutil.ignore_patterns("*.json"))
    consolidate([place], copy)
    return copy
