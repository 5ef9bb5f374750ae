"""Within a step nothing waits for a GPU and nothing is copied to or from it: a graph can hold it.

Each test is a process of its own, as what makes CUDA tensors possible cannot be unloaded.
"""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("steps.py")


def found(*setups):
    command = [sys.executable, str(SCRIPT), *setups]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_no_step_waits_or_copies_and_a_planted_one_is_found():
    lines = found("rmsprop", "planted item", "planted to")
    setups = [line.partition(":")[0] for line in lines]
    assert setups == ["planted item", "planted to", "planted to"], lines  # there and back


@pytest.mark.long
def test_no_step_of_any_kind_waits_or_copies():
    assert found("fresh", "classes", "torch", "set", "schedule", "layers", "rmsprop", "sgd") == []
