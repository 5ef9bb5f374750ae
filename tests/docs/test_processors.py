"""The comparison of two machines counts what it says, and goes by runs that both have."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM, REFERENCE = ROOT / "docs" / "processors.py", ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def processors():
    """The program, as a module."""
    spec = importlib.util.spec_from_file_location("docs_processors", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results(scores):
    """Return results of two conditions, `a` and `b`, with two runs each."""
    runs = [f"{condition}{seed}" for condition in "ab" for seed in range(2)]
    rows = {"run_id": runs, "condition_id": [run[0] for run in runs], "score": scores}
    return pd.DataFrame(rows).assign(lr=0.1)


def test_runs_are_matched_by_id_and_counted(processors):
    first, second = results([0.0, 0.2, 0.5, 1.0]), results([0.01, 0.5, 0.5, 1.0])
    others = pd.DataFrame({"run_id": ["c0"], "condition_id": ["c"], "score": [0.3], "lr": 0.1})
    found = processors.compare(first, pd.concat([others, second[::-1]]))
    assert found[:2] == (4, 3)
    assert found.median == pytest.approx(0.005)
    assert found[3:] == (2, 1)  # the means of a are 0.1 and 0.255
    line = "3 of 4 scores within 0.1 (median difference 0.005) and 1 of 2 condition means"
    assert str(found) == line


def run(*words):
    command = [sys.executable, str(PROGRAM), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_the_reference_is_its_own_equal_and_the_processor_is_named():
    code, lines, errors = run(REFERENCE, REFERENCE)
    assert (code, errors) == (0, [])
    assert "Intel" in lines[0]
    assert lines[-1].startswith("970 of 970 scores within 0.1 (median difference 0)")


@pytest.mark.parametrize("words", [(), ("no/such/place", REFERENCE)], ids=["none", "missing"])
def test_wrong_words_are_one_line(words):
    code, lines, errors = run(*words)
    assert (code, lines) == (2, [])
    assert errors[-1].startswith("processors.py: error: ")
