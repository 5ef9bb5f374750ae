"""The table for papers: what it says, that names cannot break it, and that LaTeX takes it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnbench.report.latex import horizon_latex, score_latex
from rnnbench.report.study import Study, read_study

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]
HOSTILE = "a_b\\c & 50% #1 {x} ~ ^ $y$ <z> |"


def curve(fabricate: Fabricate, reach: int, **changes: Any) -> list[Any]:
    """Five seeds that remember all gaps up to one."""
    return [
        fabricate(gap=gap, seed=seed, score=float(gap <= reach), **changes)
        for gap in (10, 20, 40)
        for seed in range(5)
    ]


@pytest.fixture
def study(fabricate: Fabricate, stored: Stored) -> Study:
    tuned = {"config": {"tuned": True}, "condition_id": "f" * 16}
    records = curve(fabricate, 20, cell="gru") + curve(fabricate, 40, task="recall", cell="gru")
    records += curve(fabricate, 5, cell=HOSTILE) + curve(fabricate, 5, cell="rnn")
    records += curve(fabricate, 20, task="recall", cell="rnn")
    records += [
        record | {"run_id": record["run_id"][::-1]}
        for record in curve(fabricate, 40, cell="gru", **tuned)
    ]
    return read_study([stored(records)])


@pytest.fixture
def table(study: Study) -> str:
    return horizon_latex(study)


def rows(table: str) -> dict[str, dict[str, list[str]]]:
    """Return the texts of the rows by task and cell."""
    found: dict[str, dict[str, list[str]]] = {}
    for block in table.split("\\bottomrule")[0].split("\\midrule")[1:]:
        title, *lines = (line.strip() for line in block.strip().splitlines())
        task = re.search(r"\\textit{(.*)}}", title)
        assert task is not None
        split = (re.split(r"(?<!\\)&", line.removeprefix("{}")[:-2]) for line in lines)
        found[task[1]] = {name.strip(): [text.strip() for text in own] for name, *own in split}
    return found


def test_a_block_per_task_a_row_per_cell_and_columns_per_kind_of_rate(table: str) -> None:
    assert re.search(r"\\begin{tabular}{lrrrr}\n +\\toprule\n", table)
    assert r"{} & \multicolumn{2}{c}{shared rate} & \multicolumn{2}{c}{tuned rate} \\" in table
    assert r"{} & horizon & area & horizon & area \\" in table
    found = rows(table)
    assert list(found) == ["copy", "recall"]
    assert found["copy"]["gru"][0] == "24 (${<}\\,10$ to 25)"
    assert found["copy"]["gru"][1].startswith("0.75 (0.") and "--" in found["copy"]["gru"][1]
    assert found["copy"]["gru"][2] == "${>}\\,40$ (${<}\\,10$ to ${>}\\,40$)"
    assert list(found["recall"]) == ["rnn", "gru"]  # as the sweep has them, not by name
    assert found["recall"]["rnn"][2:] == ["", ""]
    assert "(5 seeds per gap)" in table and "D90" not in table


def test_without_tuned_rates_there_is_one_kind_of_columns(
    fabricate: Fabricate, stored: Stored
) -> None:
    table = horizon_latex(read_study([stored(curve(fabricate, 20))]))
    assert "multicolumn{2}" not in table and "rate}" not in table
    assert r"{} & horizon & area \\" in table


def test_d90_has_a_column_where_seeds_are_enough(fabricate: Fabricate, stored: Stored) -> None:
    records = [
        fabricate(gap=gap, seed=seed, score=float(gap < 20))
        for gap in (10, 20)
        for seed in range(40)
    ]
    records += curve(fabricate, 20, cell="rnn")
    found = rows(horizon_latex(read_study([stored(records)])))["copy"]
    assert found["rnn"][2] == "" and re.fullmatch(r"1\d \(.* to .*\)", found["gru"][2])


def test_scores_have_a_column_per_gap_and_their_intervals_below(study: Study) -> None:
    table = score_latex(study)
    assert r"{}gap & 10 & 20 & 40 \\" in table
    found = rows(table)["copy"]
    assert found["gru"] == ["1.00", "1.00", "0.00"]
    low, *_ = found[""]
    assert re.fullmatch(r"{\\scriptsize 0\.\d\d--\d\.\d\d}", low)


def test_names_are_printed_and_not_obeyed(study: Study) -> None:
    printed = (
        r"a\_b\textbackslash{}c \& 50\% \#1 \{x\} \textasciitilde{} \textasciicircum{} "
        r"\$y\$ \textless{}z\textgreater{} \textbar{}"
    )
    for write in (horizon_latex, score_latex):
        assert printed in rows(write(study))["copy"]


@pytest.mark.parametrize("write", [horizon_latex, score_latex])
def test_braces_and_environments_match(study: Study, write: Callable[[Study], str]) -> None:
    table = write(study)
    bare = re.sub(r"\\[{}]", "", table)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\begin{(\w+)}", table) == ["table", "tabular"]
    assert re.findall(r"\\end{(\w+)}", table) == ["tabular", "table"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
@pytest.mark.parametrize("write", [horizon_latex, score_latex])
def test_latex_takes_it(study: Study, write: Callable[[Study], str], tmp_path: Path) -> None:
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n%s\\end{document}"
    (tmp_path / "paper.tex").write_text(document % write(study))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "paper.pdf").exists()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
@pytest.mark.parametrize("write", [horizon_latex, score_latex])
def test_three_cells_at_five_gaps_fit_into_the_text(
    fabricate: Fabricate, stored: Stored, write: Callable[[Study], str], tmp_path: Path
) -> None:
    records = [
        record
        for cell in ("rnn", "lstm", "gru")
        for tuned in (False, True)
        for gap in (11, 20, 40, 80, 160)
        for seed in range(5)
        for record in [fabricate(cell=cell, gap=gap, seed=seed, score=0.9 if gap < 160 else 0.1)]
        for record in [
            record
            | {"config": {"tuned": tuned}}
            | {key: f"{tuned:d}{record[key][1:]}" for key in ("run_id", "condition_id")}
        ]
    ]
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n%s\\end{document}"
    (tmp_path / "paper.tex").write_text(document % write(read_study([stored(records)])))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Overfull" not in done.stdout
