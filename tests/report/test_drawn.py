"""A report is left as it is only where it was drawn here, of the same results."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest

from rnnbench.report import is_drawn, write_report
from rnnbench.store.records import Store

Fabricate = Callable[..., Any]


@pytest.fixture(scope="module")
def drawn(fabricate: Fabricate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with its report, and the cache that knows it."""
    place = tmp_path_factory.mktemp("drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNBENCH_CACHE", str(place / "cache"))
        Store(place / "own").write(fabricate())
        write_report([place / "own"])
    return place


@pytest.fixture
def own(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same for a test alone, at the place that the cache knows."""
    copytree(drawn / "own", tmp_path / "saved")
    monkeypatch.setenv("RNNBENCH_CACHE", str(drawn / "cache"))
    yield drawn / "own"
    rmtree(drawn / "own")
    copytree(tmp_path / "saved", drawn / "own")


def test_what_was_drawn_here_is_not_drawn_again(own: Path, tmp_path: Path) -> None:
    assert is_drawn(own)
    (tmp_path / "link").symlink_to(own)
    assert is_drawn(tmp_path / "link")


@pytest.mark.parametrize(
    "name", ["report/index.html", "report/score_vs_gap.png", "report/report.md", "report/more.html"]
)
def test_another_file_of_the_report_is_drawn_over_whatever_its_date(own: Path, name: str) -> None:
    (own / name).write_text("<script src='http://elsewhere/x.js'></script>")
    os.utime(own / name, (time.time() + 1e6,) * 2)
    assert not is_drawn(own)


def test_results_that_came_later_are_drawn(own: Path, fabricate: Fabricate) -> None:
    Store(own).write(fabricate(seed=1))
    for path in (own / "runs").glob("*.json"):
        os.utime(path, (0, 0))
    assert not is_drawn(own)


@pytest.mark.parametrize("name", ["diagnosis.jsonl", "transfer.csv", "guesses.csv"])
def test_so_is_what_was_measured_later(own: Path, name: str) -> None:
    (own / name).write_text("x")
    assert not is_drawn(own)


def test_a_report_from_elsewhere_is_never_taken_for_one_of_here(own: Path, tmp_path: Path) -> None:
    copytree(own, tmp_path / "foreign")
    assert not is_drawn(tmp_path / "foreign")


def test_without_a_cache_of_ones_own_it_is_drawn_again(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "file"))
    write_report([own])
    assert not is_drawn(own)


def test_a_pipe_in_the_report_is_not_waited_for(own: Path) -> None:
    os.mkfifo(own / "report" / "pipe")
    assert not is_drawn(own)
