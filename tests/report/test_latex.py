"""The table for papers: what it says, that names cannot break it, and that LaTeX takes it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnbench.report.study import read_study
from rnnbench.report.text import horizon_latex

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
def table(fabricate: Fabricate, stored: Stored) -> str:
    records = curve(fabricate, 20, cell="gru") + curve(fabricate, 40, task="recall", cell="gru")
    records += curve(fabricate, 5, cell=HOSTILE)
    return horizon_latex(read_study([stored(records)]))


def rows(table: str) -> dict[str, list[str]]:
    body = table.split("\\midrule")[1].split("\\bottomrule")[0]
    lines = [line.strip().removeprefix("{}") for line in body.strip().splitlines()]
    lines = [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in lines]
    return {name.strip(): [text.strip() for text in texts] for name, *texts in lines}


def test_a_row_per_curve_and_a_column_per_task(table: str) -> None:
    assert re.search(r"\\begin{tabular}{lll}\n +\\toprule\n +cell & copy & recall \\\\\n", table)
    found = rows(table)
    assert found["gru"] == ["23.8 (${<}\\,10$ to 25.2)", "${>}\\,40$ (${<}\\,10$ to ${>}\\,40$)"]
    assert list(found.values())[0] == ["${<}\\,10$", ""]
    assert "(5 per gap)" in table


def test_names_are_printed_and_not_obeyed(table: str) -> None:
    printed = (
        r"a\_b\textbackslash{}c \& 50\% \#1 \{x\} \textasciitilde{} \textasciicircum{} "
        r"\$y\$ \textless{}z\textgreater{} \textbar{}"
    )
    assert printed in rows(table)


def test_braces_and_environments_match(table: str) -> None:
    bare = re.sub(r"\\[{}]", "", table)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\begin{(\w+)}", table) == ["table", "tabular"]
    assert re.findall(r"\\end{(\w+)}", table) == ["tabular", "table"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_latex_takes_it(table: str, tmp_path: Path) -> None:
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n%s\\end{document}"
    (tmp_path / "paper.tex").write_text(document % table)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "paper.pdf").exists()
