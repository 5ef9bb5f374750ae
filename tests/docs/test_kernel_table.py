"""The table of GPU kernels in the guide is what its script counts, and nothing is spilled."""

import re
import sys
from weakref import WeakKeyDictionary

import pytest

pytest.importorskip("triton", reason="needs the extra triton")

import triton

from rnnbench.cells import LSTM, PublishedGRU
from rnnbench.engine.triton import kernel

from .markdown import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import kernel_table

FUNCTIONS = "rnnbench.engine.triton.functions"


@pytest.fixture(autouse=True)
def compiler(monkeypatch):
    """Kernels of this file are compiled, even where others are for the interpreter."""
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(kernel, "_kernels", WeakKeyDictionary())
    sys.modules.pop(FUNCTIONS, None)
    yield
    sys.modules.pop(FUNCTIONS, None)


def shown():
    """Return the version of Triton and the rows of the page."""
    page = (ROOT / "docs" / "performance.md").read_text()
    table = page.partition(kernel_table.BEGIN)[2].partition(kernel_table.END)[0]
    version, _, rest = table.partition(":\n\n")
    assert rest.startswith(kernel_table.HEAD)
    return version.removeprefix("Triton "), rest.removeprefix(kernel_table.HEAD).split("\n")[:-2]


def test_the_guide_has_every_choice_and_no_kernel_spills():
    rows = [[word.strip() for word in line.split("|")] for line in shown()[1]]
    assert [row[1:3] for row in rows] == [
        [f"{name} {size}", f"{rows} x {kernel.warps_for(rows, size)}"]
        for name, size, rows in kernel_table.CHOICES
    ]
    assert {row[4] for row in rows} == {"0 / 0"}


@pytest.mark.slow
def test_a_kernel_compiles_without_a_gpu_and_a_spill_is_seen(monkeypatch):
    forward = kernel.kernels_of(LSTM()).forward
    found = kernel_table.cost_of(kernel_table.compile_kernel(forward, 4, 64, 90), 64)
    assert found.spilled == 0
    assert found.registers <= 255
    assert found.cycles > 4 * 64 * 64 * 4 / 128  # of its multiplications alone
    monkeypatch.setitem(kernel.LAUNCH, "maxnreg", 32)
    few = kernel_table.compile_kernel(forward, 4, 64, 90)
    assert kernel_table.cost_of(few, 64).spilled > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", kernel_table.KINDS)
def test_what_a_product_reads_has_been_written_by_all_threads(kind):
    """Between the stores of a stage and the first copy of a product stands a barrier."""
    compiled = kernel_table.compile_kernel(
        getattr(kernel.kernels_of(PublishedGRU()), kind), 4, 64, 90
    )
    words = re.findall(r"\b(tt\.store|ttg\.async_copy\w+|\w+\.barrier)\b", compiled.asm["ttgir"])
    short = {"tt.store": "s", "ttg.barrier": "b", "gpu.barrier": "b"}
    order = "".join(short.get(word, "c") for word in words)
    assert len(re.findall("s+b+c+", order)) == 2
    assert "sc" not in order


@pytest.mark.long
@pytest.mark.parametrize("choice", kernel_table.CHOICES, ids=str)
def test_a_row_of_the_table_is_what_is_counted(choice):
    version, rows = shown()
    line = rows[kernel_table.CHOICES.index(choice)]
    found = kernel_table.costs(*choice)
    assert all(cost.spilled == 0 for cost in found.values())
    if version == triton.__version__:
        assert kernel_table.row(*choice, found) == line
