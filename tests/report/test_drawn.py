"""A report is left as it is only where it was drawn here, of the same results."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from rnnbench.report import is_drawn, write_report
from rnnbench.report.drawn import note_drawn
from rnnbench.store.records import Store

Fabricate = Callable[..., Any]
HEAVY = ("torch", "matplotlib", "seaborn", "scipy", "pandas", "numpy")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fabricate: Fabricate) -> Path:
    """Results with a page that a note in the cache says was drawn here."""
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))
    Store(tmp_path / "own").write(fabricate())
    (tmp_path / "own" / "report").mkdir()
    for name in ("index.html", "report.md", "score_vs_gap.png"):
        (tmp_path / "own" / "report" / name).write_text("as it was drawn")
    note_drawn(tmp_path / "own", "lstm")
    assert is_drawn(tmp_path / "own", "lstm")
    return tmp_path / "own"


def overwrite(path: Path) -> None:
    """Give a file another content of the same size, and the time of writing that it had."""
    before = path.stat()
    time.sleep(0.02)  # a clock of files may tick a hundred times a second
    path.write_text("<" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_was_drawn_here_is_not_drawn_again(
    own: Path, tmp_path: Path, fabricate: Fabricate
) -> None:
    (tmp_path / "link").symlink_to(own)
    assert is_drawn(tmp_path / "link", "lstm")
    Store(own).write(fabricate(seed=1))
    assert not is_drawn(own, "lstm")
    write_report([own])
    assert is_drawn(own, "lstm")


@pytest.mark.parametrize("name", ["index.html", "score_vs_gap.png", "report.md"])
def test_another_file_of_the_report_is_drawn_over_whatever_its_size_and_date(
    own: Path, name: str
) -> None:
    overwrite(own / "report" / name)
    assert not is_drawn(own, "lstm")


def test_a_file_more_or_less_in_the_report_is_found(own: Path) -> None:
    (own / "report" / "more.html").write_text("<script src='http://elsewhere/x.js'></script>")
    assert not is_drawn(own, "lstm")
    (own / "report" / "more.html").unlink()
    assert is_drawn(own, "lstm")
    (own / "report" / "index.html").unlink()
    assert not is_drawn(own, "lstm")


@pytest.mark.parametrize(
    "name", ["runs/0.json", "records.jsonl", "diagnosis.jsonl", "transfer.csv", "guesses.csv"]
)
def test_what_was_measured_later_is_drawn(own: Path, name: str) -> None:
    (own / name).write_text("x")
    os.utime(own / name, (0, 0))
    assert not is_drawn(own, "lstm")


def test_a_record_that_was_written_again_is_drawn(own: Path) -> None:
    (record,) = (own / "runs").glob("*.json")
    overwrite(record)
    assert not is_drawn(own, "lstm")


def test_a_report_from_elsewhere_is_never_taken_for_one_of_here(own: Path, tmp_path: Path) -> None:
    copytree(own, tmp_path / "foreign")
    assert not is_drawn(tmp_path / "foreign", "lstm")
    own.rename(tmp_path / "away")
    (tmp_path / "foreign").rename(own)
    assert not is_drawn(own, "lstm")


def test_without_a_cache_of_ones_own_it_is_drawn_again(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "file"))
    note_drawn(own, "lstm")
    assert not is_drawn(own, "lstm")


def test_a_pipe_in_the_report_is_not_waited_for(own: Path) -> None:
    os.mkfifo(own / "report" / "pipe")
    assert not is_drawn(own, "lstm")


def test_to_look_takes_none_of_the_libraries_that_draw() -> None:
    code = f"import sys, rnnbench.report; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "\n"


def test_another_baseline_is_another_report(own: Path) -> None:
    assert is_drawn(own, "lstm")
    assert not is_drawn(own, "gru")
