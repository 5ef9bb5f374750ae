"""The command: a table, a file, exit codes, and one line for bad input."""

import json
import subprocess
import sys

import pytest

from rnnbench.check.__main__ import main
from rnnbench.check.run import CHECKS

LEAVING = "from rnnbench.cells import GRU\nclass Good(GRU): ...\nraise SystemExit(3)\n"
MODULE = """
from asyncio import CancelledError

import torch
from rnnbench import Cell

class Good(Cell):
    gates = {"a": "xh"}
    keep_gate = "a"

    def update(self, a, h):
        return torch.tanh(a)

class Bad(Good):
    def update(self, a, h):
        return torch.tanh(a.float())

class Explodes(Good):
    def __init__(self):
        raise SystemExit("no")

class Cancels(Good):
    def __init__(self):
        raise CancelledError("no")

class Interrupts(Good):
    def update(self, a, h):
        raise KeyboardInterrupt
"""


@pytest.fixture
def command(in_tmp, capsys, exit_code):
    """Run a command with own cells in the current directory; return code, lines and errors."""
    (in_tmp / "cells_of_mine.py").write_text(MODULE)
    (in_tmp / "leaving.py").write_text(LEAVING)

    def run(*words):
        code = exit_code(main, words)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    yield run
    sys.modules.pop("cells_of_mine", None)


def test_a_line_per_check_and_exit_code_0(command, in_tmp):
    words = ("--set", "keep_bias=0.5", "--hidden-size", "16", "--json", "found.json")
    code, lines, errors = command("cells_of_mine.Good", *words)
    assert (code, errors) == (0, [])
    assert [line.split()[0] for line in lines[:-1]] == list(CHECKS)
    assert lines[-1] == "cells_of_mine.Good: keeps all that applies to it"
    found = json.loads((in_tmp / "found.json").read_text())
    assert found["arguments"] == {"keep_bias": 0.5}
    assert (found["hidden_size"], found["passed"]) == (16, True)
    assert [check["check"] for check in found["checks"]] == list(CHECKS)
    assert {check["result"] for check in found["checks"]} == {"pass"}


def test_a_failure_is_exit_code_1(command, in_tmp):
    code, lines, _ = command("cells_of_mine.Bad", "--json", "found.json")
    assert code == 1
    assert lines[-1] == "cells_of_mine.Bad: fails shapes"
    assert not json.loads((in_tmp / "found.json").read_text())["passed"]


def test_an_interrupt_is_one_line_and_exit_code_130(command):
    code, lines, errors = command("cells_of_mine.Interrupts")
    assert (code, errors) == (130, ["rnnbench.check: interrupted"])
    assert [line.split()[:2] for line in lines] == [["declaration", "pass"]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nothing.Here", "cell must name a class that can be imported, got nothing.Here: No mod"),
        ("cells_of_mine.Other", "cell must name a class that can be imported, got cells_of_mine"),
        ("cells_of_mine", "got cells_of_mine: its module comes before it, as in mine.Mine"),
        ("os.system", "cell must be a Cell, got os.system"),
        ("cells_of_mine.Explodes", "cell must be built without arguments, got SystemExit: no"),
        ("cells_of_mine.Cancels", "cell must be built without arguments, got CancelledError: no"),
        ("leaving.Good", "cell must name a class that can be imported, got leaving.Good: SystemEx"),
        ("cells_of_mine.Good --set speed=3", "cell must be built with speed=3, got TypeError"),
        ("cells_of_mine.Good --set init=cold", "init must be one of torch, glorot, orthogonal"),
        ("cells_of_mine.Good --set init", "--set: must be like keep_bias=1.0, got init"),
        ("cells_of_mine.Good --hidden-size 0", "must be a whole number of at least 1, got 0"),
        ("cells_of_mine.Good --json no/such/file", "No such file or directory: 'no/such/file'"),
        ("", "the following arguments are required: CELL"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(command, words, message):
    code, lines, errors = command(*words.split())
    assert (code, lines) == (2, [])
    (line,) = errors
    assert message in line


@pytest.mark.long
def test_it_runs_as_a_module_from_anywhere_and_in_good_time(in_tmp):
    (in_tmp / "cells_of_mine.py").write_text(MODULE)
    done = subprocess.run(
        [sys.executable, "-m", "rnnbench.check", "cells_of_mine.Good"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
