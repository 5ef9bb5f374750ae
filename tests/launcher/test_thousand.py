"""A large sweep that is done is seen to be done, and soon."""

import resource
import subprocess
import sys
import time

import pytest

from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.store.records import Store
from rnnbench.training.recording import describe_run, failed_record

SECONDS = 30
DRAWING_SECONDS = 60  # of a core
RUN = {"sweep": "gaps", "command": "", "engine": "reference", "device": "cpu", "tuning": None}
ROW = {"loss": 1.0, "accuracy": 0.5, "score": 0.4, "grad_norm": 1.0}


def recognise(words):
    """Run the command, which has nothing to train; return its seconds, by the clock and a core."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "rnnbench", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert "all              0     5040       0" in done.stdout
    assert done.stderr == ""
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.long
@pytest.mark.alone
def test_a_thousand_finished_conditions_are_recognised(tmp_path):
    words = ["+sweep=gaps", "task.gap=range(11,123)", "seeds=5", "engine=reference"]
    words += ["tracker=none", f"output_dir={tmp_path}"]
    (sweep,) = make_sweeps(compose(words))
    assert len(sweep.jobs) == 1008
    store = Store(tmp_path)
    history = [{"step": step, **ROW} for step in range(200, 3001, 200)]
    for condition, replicas in sweep.jobs:
        for replica in replicas:
            described = describe_run(condition, replica, {**RUN, "started": "2026"})
            ended = {"status": "unsolved", "history": history}
            store.write({**failed_record(described, ""), **ended})
    page = tmp_path / "report" / "index.html"
    assert recognise(words)[1] < DRAWING_SECONDS
    drawn = page.stat().st_mtime_ns
    assert recognise(words)[0] < SECONDS
    assert page.stat().st_mtime_ns == drawn
