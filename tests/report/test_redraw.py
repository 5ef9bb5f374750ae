"""Reports of a part, and figures drawn again, by what the command is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rnnbench.report.__main__ import main
from rnnbench.report.study import Part, read_study

from .conftest import write

CELLS, TASKS = ("rnn", "lstm", "gru"), ("copy", "recall")


@pytest.fixture(scope="module")
def place(fabricate: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of three cells on two tasks."""
    return write(
        tmp_path_factory.mktemp("three"),
        [
            fabricate(task, cell, gap, seed)
            for task in TASKS
            for cell in CELLS
            for gap in (10, 20)
            for seed in range(2)
        ],
    )


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_figures_alone_are_drawn_whole_and_by_their_panels(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"--only horizons,score_vs_gap --format pdf,svg --out {tmp_path / 'out'}"
    assert main([str(place), *words.split()]) == 0
    figures = [
        f"{name}{end}" for name in ("horizons", "score_vs_gap") for end in ("", "-copy", "-recall")
    ]
    assert names(tmp_path / "out") == {
        f"{name}.{kind}" for name in figures for kind in ("pdf", "svg")
    }
    whole = [tmp_path / "out" / f"{name}.pdf" for name in ("horizons", "score_vs_gap")]
    assert set(map(str, whole)) < set(capsys.readouterr().out.split())
    assert not (place / "report").exists()


@pytest.mark.parametrize(("size", "inches"), [("column", 3.3), ("text", 6.75), ("slides", 10.0)])
def test_a_size_is_so_many_inches_wide(
    place: Path, tmp_path: Path, size: str, inches: float
) -> None:
    words = f"--only horizons --size {size} --format png --out {tmp_path}"
    assert main([str(place), *words.split()]) == 0
    with Image.open(tmp_path / "horizons.png") as drawn:
        assert drawn.width / drawn.info["dpi"][0] == pytest.approx(inches, abs=0.02)


def test_cells_have_the_colours_and_names_that_are_given(place: Path, tmp_path: Path) -> None:
    words = f"--only horizons --labels gru=mygru --colors gru=#12ab56 --format svg --out {tmp_path}"
    assert main([str(place), *words.split()]) == 0
    drawn = (tmp_path / "horizons.svg").read_text()
    assert "#12ab56" in drawn and "<!-- mygru -->" in drawn and "<!-- gru -->" not in drawn


@pytest.mark.long
def test_a_report_of_a_part_is_as_if_nothing_else_were_stored(place: Path, tmp_path: Path) -> None:
    words = f"--cells gru,rnn --tasks copy --out {tmp_path}"
    assert main([str(place), *words.split()]) == 0
    text = (tmp_path / "report.md").read_text()
    assert "| lstm" not in text and "**copy**" in text and "**recall**" not in text
    assert "index.html" in names(tmp_path)
    study = read_study([place], Part(("copy",), ("gru", "rnn")))
    assert list(study.curves["cell"]) == ["gru", "rnn"]  # in the order in which they are named
    assert set(study.history["cell"]) == {"gru", "rnn"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--only nope", "figures must be of horizons, .*score_vs_gap, .*, got nope"),
        ("--cells gruu", "cells must be of rnn, lstm, gru, got gruu"),
        ("--tasks adding", "tasks must be of copy, recall, got adding"),
        ("--format gif", "formats must be of svg, pdf, png, got gif"),
        ("--size big", "size must be of column, text, slides, phone, got big"),
        ("--labels x=y", "cells must be of rnn, lstm, gru, got x"),
        ("--colors gru=zzz", "the colour of gru must be one of matplotlib's, got zzz"),
    ],
)
def test_what_is_not_there_is_one_line_that_lists_what_is(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main([str(place), *words.split(), "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and re.fullmatch(rf"rnnbench\.report: error: {said}\n", err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", ["--labels gru", "--colors =red", "--colors gru="])
def test_a_pair_without_its_sign_is_one_line(
    place: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(place), *words.split()])
    assert left.value.code == 2 and capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("words", ["{second}", "--cells gru", "--only horizons", "--size column"])
def test_a_report_of_anything_else_does_not_go_where_the_whole_one_lies(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    asked = words.format(second=tmp_path).split()
    assert main([str(place), *asked]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "--out DIR must say where" in err
    assert not (place / "report").exists()


@pytest.mark.long
def test_several_go_where_out_says_also_into_the_report_of_one(
    fabricate: Callable[..., Any], tmp_path: Path
) -> None:
    first, second = (
        write(tmp_path / cell, [fabricate("copy", cell, 10)]) for cell in ("mine", "gru")
    )
    assert main([str(first), str(second), "--out", str(first)]) == 0
    assert "index.html" in names(first / "report")
    assert main([str(first), str(second), "--out", str(tmp_path / "both")]) == 0
    assert "index.html" in names(tmp_path / "both") and not (second / "report").exists()


def test_a_panel_in_which_there_is_nothing_to_draw_has_no_file(
    fabricate: Callable[..., Any], tmp_path: Path
) -> None:
    runs = []
    for tuned, solved in ((False, False), (True, True)):
        for gap in (10, 20):
            ids = {"run_id": f"{tuned:d}{gap:015x}", "condition_id": f"{tuned:d}{gap:015x}"}
            ended = {"status": "solved" if solved else "unsolved"}
            ended |= {"steps_to_solve": 600 if solved else None}
            runs.append(fabricate(gap=gap) | ids | ended | {"config": {"tuned": tuned}})
    place = write(tmp_path / "both", runs)
    words = f"--only solving_curves --format svg --out {tmp_path / 'out'}"
    assert main([str(place), *words.split()]) == 0
    assert names(tmp_path / "out") == {"solving_curves.svg", "solving_curves-copy-tuned.svg"}
