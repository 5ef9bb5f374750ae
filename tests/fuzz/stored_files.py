"""A results directory with everything that commands leave in one."""

from __future__ import annotations

import io
import shutil
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import rnnbench
from rnnbench.claims import claim_of, take
from rnnbench.diagnose.__main__ import main as diagnose
from rnnbench.guess.plan import make_plan as plan_guesses
from rnnbench.guess.search import search
from rnnbench.guess.table import GUESSES
from rnnbench.news import News
from rnnbench.records import consolidate
from rnnbench.tracker.destination import keep_destination
from rnnbench.transfer.evaluation import evaluate
from rnnbench.transfer.plan import make_plan as plan_transfer
from rnnbench.transfer.table import TRANSFER

SMALL = {
    "engine": "reference",
    "trainer.steps": 3,
    "model.hidden_size": 4,
    "trainer.eval_size": 8,
    "workers": 1,
}
RESULTS = "results"  # the directory's name, in a command's working directory


def make_directory(place: Path) -> Path:
    """Train two runs in a moment, and leave beside them what every other command leaves."""
    quiet = io.StringIO()
    with redirect_stdout(quiet), redirect_stderr(quiet):
        rnnbench.run(task="recall", cell="gru", gap=3, seeds=2, output_dir=place, **SMALL)
        diagnose([str(place), "--sequences", "64"])
    for plan, work, file in (
        (plan_transfer(place, None, None, None), evaluate, TRANSFER),
        (plan_guesses(place, 1, None, None), search, GUESSES),
    ):
        for job in plan[0]:
            file.add(place, work(job, print, threading.Event()))
    keep_destination({"project": "fuzz", "entity": None}, place)
    (condition,) = rnnbench.load_results(place)["condition_id"].unique()
    News(place, condition).tell({"step": 1, "steps": 3, "active": 2, "accuracy": 0.5})
    claim = take(claim_of(place, condition))
    assert claim is not None
    shutil.rmtree(place / "report")
    return place


def consolidated(place: Path, copy: Path) -> Path:
    """Return a copy of a directory with its records in one file, as they are published."""
    shutil.copytree(place, copy, ignore=shutil.ignore_patterns("*.json"))
    consolidate([place], copy)
    return copy
