"""The command as a user types it, in a process of its own, and what it leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

from rnnbench.store.claims import holders
from tests.docs.commands import lines_of
from tests.docs.markdown import blocks
from tests.stored_numbers import numbers

ROOT = Path(__file__).resolve().parents[3]
SMALL = (
    "task=recall seeds=2 model.hidden_size=8 trainer.batch_size=4 trainer.eval_size=16 "
    "engine=reference tracker=none"
).split()
SIX = [*SMALL, "cell=rnn,gru", "task.gap=6,7,8", "trainer.eval_every=100"]
# A sweep of the documentation, cut to what shows that it runs.
BRIEF = [*SMALL, "task.gap=11", "seeds=1", "trainer.steps=3"]
ONE = [*SMALL, "cell=rnn", "task.gap=6", "trainer.steps=3000", "trainer.eval_every=500"]


def start(directory, *words, **environment):
    """Start the command in a directory; results go into its `out`."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        [sys.executable, "-m", "rnnbench", *words, "output_dir=out", "name=trial"],
        cwd=directory,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process, code=0, seconds=240):
    """See a command end with an exit code; return what it said."""
    try:
        text, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert process.returncode == code, text
    return text


def end(processes):
    """End what a failed test has left."""
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def results(directory):
    """Return all that must not depend on where a sweep is trained."""
    return numbers(directory / "out")


def at_work(directory):
    """Return the processes that hold a condition."""
    claims = directory / "out" / "claims"
    places = sorted(claims.iterdir()) if claims.exists() else []
    return [holder.pid for place in places for holder in holders(place) if holder.pid]


def checkpoints(directory):
    return sorted((directory / "out" / "checkpoints").glob("*.safetensors"))


def documented(word):
    """Return the words of the commands of docs/cluster.md that have one, without that word."""
    found = [
        line for block in blocks(ROOT / "docs" / "cluster.md") for line in lines_of(block.text)
    ]
    return [[each for each in line[3:] if each != word] for line in found if word in line]
