"""The notebook runs from its first cell to its last, and what it shows is what it gave."""

import re
import subprocess
import sys

import nbformat
import pytest

from .markdown import ROOT, anchors

TOUR = ROOT / "docs" / "tour.ipynb"


def read(path):
    return nbformat.read(path, as_version=4)


def shown(notebook):
    """Return for each cell of code what it shows: its kinds, and what it prints."""
    cells = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return [[it.get("text") or sorted(it.data) for it in outputs] for outputs in cells]


def without_numbers(outputs):
    """Leave out what another processor may compute otherwise: numbers with a point, and labels."""
    return re.sub(r"[^.:]*: [a-z ]+\. .*|\d+\.\d+", "", str(outputs))


@pytest.mark.long
def test_it_shows_what_it_gives_when_it_is_run(tmp_path):
    script = [sys.executable, str(ROOT / "docs" / "tour.py"), str(tmp_path / "tour.ipynb")]
    subprocess.run(script, check=True, capture_output=True, cwd=tmp_path)
    again = read(tmp_path / "tour.ipynb")
    assert [cell.source for cell in again.cells] == [cell.source for cell in read(TOUR).cells]
    for old, new in zip(shown(read(TOUR)), shown(again), strict=True):
        assert without_numbers(old) == without_numbers(new)


def test_the_second_l_is_told_from_the_first_by_the_state_alone():
    (text,) = [out for own in shown(read(TOUR)) for out in own if "read h e l l" in str(out)]
    assert "read h e l l, said e l l o" in text
    assert "right without a state: 3 of 4" in text


def test_every_figure_is_in_it_and_it_is_small():
    cells = [cell for cell in read(TOUR).cells if cell.cell_type == "code"]
    drawing = [
        cell for cell in cells if re.search(r"rnnbench\.plot\.(?!style)|imshow", cell.source)
    ]
    assert len(drawing) == 5
    for cell in drawing:
        assert any("image/png" in out.get("data", {}) for out in cell.outputs), cell.source
    assert TOUR.stat().st_size < 400_000


def test_its_links_lead_somewhere():
    text = "\n".join(cell.source for cell in read(TOUR).cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\(([^)]+)\)", text.replace("\n", " "))
    assert len(targets) > 4
    for target in targets:
        file, _, heading = target.partition("#")
        assert (TOUR.parent / file).exists(), target
        assert not heading or heading in anchors(TOUR.parent / file), target
