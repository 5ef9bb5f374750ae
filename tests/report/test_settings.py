"""The user's settings of matplotlib change no figure, and are the user's own afterwards."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from rnnbench.bench import table
from rnnbench.report import draw_report

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTILE = {
    "text.usetex": True,
    "font.size": 31.0,
    "axes.facecolor": "black",
    "axes.spines.left": False,
    "axes.formatter.use_locale": True,
    "figure.constrained_layout.use": True,
    "legend.fontsize": 3.0,
    "lines.antialiased": False,
    "lines.linewidth": 9.0,
    "path.sketch": (1, 100, 2),
    "savefig.facecolor": "red",
    "savefig.bbox": "tight",
    "svg.fonttype": "none",
    "toolbar": "None",
}
DRAW = """
import hashlib, sys
from pathlib import Path
from rnnbench.report import draw_report
for name, content in sorted(draw_report([Path(sys.argv[1])]).items()):
    print(name, hashlib.sha256(content).hexdigest())
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    place = tmp_path_factory.mktemp("results")
    with (ROOT / "results/reference/records.jsonl").open() as records:
        (place / "records.jsonl").write_text(next(records))
    return place


def hashes(results):
    drawn = draw_report([results])
    return {name: hashlib.sha256(content).hexdigest() for name, content in drawn.items()}


@pytest.fixture(scope="module")
def plain(results):
    return hashes(results)


def test_settings_that_are_in_force_change_nothing_and_stay(results, plain):
    with mpl.rc_context(HOSTILE):
        before = dict.copy(mpl.rcParams)
        assert hashes(results) == plain
        assert dict.copy(mpl.rcParams) == before
    assert any(name.endswith(".png") for name in plain)


@pytest.mark.parametrize("by", ["variable", pytest.param("directory", marks=pytest.mark.long)])
@pytest.mark.long
def test_settings_in_files_and_variables_change_nothing(results, plain, tmp_path, by):
    rc = tmp_path / "matplotlibrc"
    lines = ["text.usetex: True", "font.size: 31", "backend: nowhere", "no.such: key", "axes.grid"]
    rc.write_text("\n".join(lines))
    own = {"PYTHONPATH": str(ROOT), "PATH": "/nonexistent"}
    own |= {"MATPLOTLIBRC": str(rc)} if by == "variable" else {}
    own |= {"MPLBACKEND": "Qt9Agg"}
    done = subprocess.run(
        [sys.executable, "-c", DRAW, str(results)],
        cwd=tmp_path if by == "directory" else None,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert dict(line.split() for line in done.stdout.splitlines()) == plain


def test_the_picture_of_the_bench_is_the_same_too(tmp_path):
    seconds = {"nn 1 thread": 2e-3, "compiled": 1e-3}
    rows = [{"shape": "H", "cell": "gru", "seconds": seconds}]
    table.draw(rows, tmp_path / "plain.png")
    with mpl.rc_context(HOSTILE):
        table.draw(rows, tmp_path / "hostile.png")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "hostile.png").read_bytes()
