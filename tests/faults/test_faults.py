"""Faults put to real sweeps: some in `make slow`, more in `make long`, all by `make faults`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = r"faults: (\d+) injected, (\d+) kinds, 0 lost, 0 wrong"
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not any(map(shutil.which, ("cc", "gcc", "clang"))),
    reason="needs Linux, and a C compiler to build the shim",
)


def put(*words: str, table: Path) -> tuple[int, int]:
    """Put faults; return how many of how many kinds came about, none of them lost or wrong."""
    command = [sys.executable, "-m", "tests.faults", *words, "--table", str(table)]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.fullmatch(SUMMARY, done.stdout.splitlines()[-1])
    assert found, done.stdout
    return int(found[1]), int(found[2])


@pytest.mark.slow
@pytest.mark.alone
def test_six_faults_are_survived(tmp_path: Path) -> None:
    assert put("--count", "6", "--seed", "3", table=tmp_path / "faults.json") == (6, 6)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(900)  # two or three minutes, where no other program runs
def test_sixty_faults_are_survived(tmp_path: Path) -> None:
    injected, kinds = put("--count", "60", table=tmp_path / "faults.json")
    assert injected == 60
    assert kinds >= 30


def test_a_schedule_follows_from_its_seed_and_a_fault_can_be_had_alone() -> None:
    from tests.faults.kinds import KINDS
    from tests.faults.schedule import schedule

    names = list(KINDS)
    first, again = (list(islice(schedule(7, names), 300)) for _ in range(2))
    assert first == again
    assert first != list(islice(schedule(8, names), 300))
    assert {fault.kind.name for fault in first} == set(names)
    fault = first[217]
    (alone,) = islice(schedule(7, [fault.kind.name]), fault.number, fault.number + 1)
    assert alone == fault
    assert alone.draw.random() == fault.draw.random()


def test_an_unknown_kind_is_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "tests.faults", "--only", "flood"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("faults: error: --only must be one of kill-a-worker, ")
    assert line.endswith(", got flood")
