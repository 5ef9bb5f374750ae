"""The table of cells in the guide is what its script writes, but for times."""

import sys

from .markdown import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import cell_table


def test_the_guide_s_table_has_every_cell_as_it_is():
    page = (ROOT / "docs" / "cells.md").read_text()
    table = page.partition(cell_table.BEGIN)[2].partition(cell_table.END)[0]
    assert table.startswith(cell_table.HEAD)
    shown = [line.split("|") for line in table.splitlines()[2:]]
    expected = [line.split("|") for line in cell_table.lines(timed=False)]
    assert [row[:5] for row in shown] == [row[:5] for row in expected]


def test_every_cell_has_a_source_and_a_time():
    page = (ROOT / "docs" / "cells.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    timed = [row for row in rows if len(row) == 9 and row[1] != " `cell=` "]
    assert len(timed) == len(cell_table.cells())
    for row in timed:
        assert row[2].strip().startswith(("arXiv:", "doi:"))
        assert row[6].strip().endswith(" ms")
