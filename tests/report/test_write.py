"""The report's files: made from stored results alone, whole, escaped, the same every time."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnbench.report import write_report
from rnnbench.report.__main__ import main
from rnnbench.store.records import consolidate

from .conftest import write

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]
FILES = {"summary.csv", "by_gap.csv", "horizons.tex", "scores.tex", "report.md", "index.html"} | {
    f"{name}.{kind}"
    for name in ("horizons", "accuracy_vs_gap", "score_vs_gap", "solving_curves", "learning_curves")
    for kind in ("png", "svg", "pdf")
}


def small(fabricate: Fabricate, **changes: Any) -> list[Any]:
    return [fabricate(gap=gap, seed=seed, **changes) for gap in (11, 20) for seed in range(2)]


def command(place: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "rnnbench.report", str(place)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def written(fabricate: Fabricate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on a small sweep, which lies above it."""
    return write_report([write(tmp_path_factory.mktemp("written"), small(fabricate))])


def test_report_is_whole_and_lies_in_the_directory_named(
    fabricate: Fabricate, stored: Stored, markdown: Callable[..., str]
) -> None:
    mine = stored(small(fabricate, cell="mine"), "mine")
    reference = stored(small(fabricate), "reference")
    directory = write_report([mine, reference], mine)
    assert directory == mine / "report"
    assert {path.name for path in directory.iterdir()} == FILES
    assert not (reference / "report").exists()
    assert (directory / "report.md").read_text() == markdown(mine, reference)
    curves = pd.read_csv(directory / "summary.csv")
    assert list(curves["cell"]) == ["gru", "mine"]  # shipped cells first
    assert list(curves["runs"]) == [4, 4]
    by_gap = pd.read_csv(directory / "by_gap.csv")
    assert list(by_gap["cell"]) == ["gru", "gru", "mine", "mine"]
    assert list(by_gap["gap"]) == [11, 20, 11, 20]
    assert list(by_gap["seeds"]) == [2, 2, 2, 2]


def test_the_same_results_give_the_same_bytes(written: Path) -> None:
    first = contents(written)
    done = command(written.parent)
    assert (done.returncode, done.stdout) == (0, f"{written / 'index.html'}\n")
    assert contents(written) == first


def test_figures_for_papers_have_no_dates_and_embed_their_fonts(written: Path) -> None:
    content = (written / "accuracy_vs_gap.pdf").read_bytes()
    assert content.startswith(b"%PDF") and b"/Subtype /Type0" in content
    assert b"/Type3" not in content
    assert not re.search(rb"Date|matplotlib", content, re.IGNORECASE)


def test_a_consolidated_file_gives_the_same_report(written: Path, tmp_path: Path) -> None:
    consolidate([written.parent], tmp_path / "published")
    file = tmp_path / "published" / "records.jsonl"
    assert contents(write_report([file])) == contents(written)


def test_markdown_and_figures_trust_no_text(
    fabricate: Fabricate, break_run: Callable[..., Any], stored: Stored
) -> None:
    evil = "<script>alert(1)</script>| # x"
    broken = break_run(fabricate(cell=evil, seed=1), "failed") | {"error": f"{evil}\n# x"}
    changes = {"sweep": evil, "engine": evil, "init": evil}
    directory = write_report([stored([fabricate(cell=evil, **changes), broken | changes])])
    assert "<script" not in re.sub(r"\\<", "", (directory / "report.md").read_text())
    assert "<script" not in (directory / "accuracy_vs_gap.svg").read_text()


def test_headline_comes_before_the_details(
    fabricate: Fabricate, stored: Stored, markdown: Callable[..., str]
) -> None:
    scores = {11: 1.0, 44: 0.5}
    text = markdown(stored([fabricate(gap=gap, score=s) for gap, s in scores.items()]))
    assert text.startswith("# How far back does each cell learn?\n\n- **copy** (1 seed")
    assert re.search(r"\| copy +\| gru +\| +22\.0 \|", text)
    order = ["Horizons and costs", "Score and accuracy against the gap", "Numbers at each gap"]
    order += ["Learning curves", "What is missing", "Settings"]
    places = [text.index(f"## {heading}") for heading in order]
    assert places == sorted(places)


def test_unfinished_and_broken_runs_are_named(
    fabricate: Fabricate,
    break_run: Callable[..., Any],
    stored: Stored,
    markdown: Callable[..., str],
) -> None:
    rows = small(fabricate)[:3] + [break_run(fabricate(gap=11, seed=2))]
    text = markdown(stored(rows))
    assert re.search(r"\| copy +\| gru +\| 20 \(1\) +\| +3 \|", text)
    assert re.search(r"\| copy +\| gru +\| 11 +\| diverged \| 2 +\|", text)
    assert "1 diverged" in text


def test_an_empty_place_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "results"
    place.mkdir()
    assert main([str(place)]) == 2
    assert_refused(*capsys.readouterr(), place)


def test_a_missing_place_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = command(tmp_path / "results")
    assert done.returncode == 2
    assert_refused(done.stdout, done.stderr, tmp_path / "results")


def assert_refused(out: str, err: str, place: Path) -> None:
    assert out == ""
    assert re.fullmatch(r"rnnbench\.report: error: no .*results\n", err)
    assert not (place / "report").exists()


def test_versions_between_which_numbers_changed_are_named_at_the_top(
    fabricate: Fabricate, stored: Callable[..., Path], markdown: Callable[..., str]
) -> None:
    one = dict.fromkeys(("task", "cell", "model", "trainer"), 1)
    records = [
        fabricate(versions=one | {"task": number}) | {"run_id": f"{number:016x}"}
        for number in (1, 2)
    ]
    line = "- copy: versions 1, 2"
    assert line in markdown(stored(records)).split("## Horizons and costs")[0]
    assert line not in markdown(stored(records[:1], "alone"))
