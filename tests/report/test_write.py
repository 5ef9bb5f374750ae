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

from rnnbench.records import consolidate
from rnnbench.report import write_report
from rnnbench.report.__main__ import main

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]
FILES = {"summary.csv", "by_gap.csv", "horizons.tex", "report.md", "index.html"} | {
    f"{name}.{kind}"
    for name in ("accuracy_vs_gap", "score_vs_gap", "solving_curves", "learning_curves")
    for kind in ("png", "svg", "pdf")
}


def small(fabricate: Fabricate, **changes: Any) -> list[Any]:
    return [fabricate(gap=gap, seed=seed, **changes) for gap in (11, 20) for seed in range(2)]


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_report_is_whole_and_lies_in_the_first_directory(
    fabricate: Fabricate, stored: Stored
) -> None:
    mine = stored(small(fabricate, cell="mine"), "mine")
    reference = stored(small(fabricate), "reference")
    directory = write_report([mine, reference])
    assert directory == mine / "report"
    assert {path.name for path in directory.iterdir()} == FILES
    assert not (reference / "report").exists()
    curves = pd.read_csv(directory / "summary.csv")
    assert list(curves["cell"]) == ["gru", "mine"]
    assert list(curves["runs"]) == [4, 4]
    by_gap = pd.read_csv(directory / "by_gap.csv")
    assert list(by_gap["cell"]) == ["gru", "gru", "mine", "mine"]
    assert list(by_gap["gap"]) == [11, 20, 11, 20]
    assert list(by_gap["seeds"]) == [2, 2, 2, 2]


def test_the_same_results_give_the_same_bytes(fabricate: Fabricate, stored: Stored) -> None:
    place = stored(small(fabricate))
    first = contents(write_report([place]))
    subprocess.run([sys.executable, "-m", "rnnbench.report", str(place)], check=True)
    assert contents(place / "report") == first


def test_figures_for_papers_have_no_dates_and_embed_their_fonts(
    fabricate: Fabricate, stored: Stored
) -> None:
    directory = write_report([stored(small(fabricate))])
    content = (directory / "accuracy_vs_gap.pdf").read_bytes()
    assert content.startswith(b"%PDF") and b"/Subtype /Type0" in content
    assert b"/Type3" not in content
    assert not re.search(rb"Date|matplotlib", content, re.IGNORECASE)


def test_a_consolidated_file_gives_the_same_report(
    fabricate: Fabricate, stored: Stored, tmp_path: Path
) -> None:
    place = stored(small(fabricate))
    consolidate([place], tmp_path / "published")
    file = tmp_path / "published" / "records.jsonl"
    assert contents(write_report([file])) == contents(write_report([place]))


def test_markdown_and_figures_trust_no_text(
    fabricate: Fabricate, break_run: Callable[..., Any], stored: Stored
) -> None:
    evil = "<script>alert(1)</script>|\n# x"
    broken = break_run(fabricate(cell=evil, seed=1), "failed") | {"error": evil}
    changes = {"sweep": evil, "engine": evil, "init": evil}
    directory = write_report([stored([fabricate(cell=evil, **changes), broken | changes])])
    assert "<script" not in re.sub(r"\\<", "", (directory / "report.md").read_text())
    assert "<script" not in (directory / "accuracy_vs_gap.svg").read_text()


def test_headline_comes_before_the_details(fabricate: Fabricate, stored: Stored) -> None:
    scores = {11: 1.0, 44: 0.5}
    text = (
        write_report([stored([fabricate(gap=gap, score=s) for gap, s in scores.items()])])
        / "report.md"
    ).read_text()
    assert re.search(r"\| copy +\| gru +\| +22\.0 \| +14\.5 \|", text)
    order = ["How far back", "Mean accuracy", "Learning curves", "What is missing", "Settings"]
    places = [text.index(f"## {heading}") for heading in order]
    assert places == sorted(places)


def test_unfinished_and_broken_runs_are_named(
    fabricate: Fabricate, break_run: Callable[..., Any], stored: Stored
) -> None:
    rows = small(fabricate)[:3] + [break_run(fabricate(gap=11, seed=2))]
    text = (write_report([stored(rows)]) / "report.md").read_text()
    assert re.search(r"\| copy +\| gru +\| 20 \(1\) +\| +3 \|", text)
    assert re.search(r"\| copy +\| gru +\| 11 +\| diverged \| 2 +\|", text)
    assert "1 diverged" in text


def test_command_prints_the_page(
    fabricate: Fabricate, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    place = stored([fabricate()])
    assert main([str(place)]) == 0
    assert capsys.readouterr().out == f"{place / 'report' / 'index.html'}\n"


@pytest.mark.parametrize("empty", [True, False])
def test_nothing_to_report_is_one_line_and_exit_code_2(tmp_path: Path, empty: bool) -> None:
    place = tmp_path / "results"
    if empty:
        place.mkdir()
    command = [sys.executable, "-m", "rnnbench.report", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"rnnbench\.report: error: no .*results\n", done.stderr)
    assert not (place / "report").exists()


def test_report_and_statistics_import_no_torch() -> None:
    code = "import sys, rnnbench.report, rnnbench.statistics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
