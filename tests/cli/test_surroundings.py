"""Commands where streams are closed or full, where there is no home, and where it is no Linux."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = "task=recall cell=gru task.gap=3 seeds=1 trainer.steps=20 trainer.eval_every=10 workers=1"
TINY += " model.hidden_size=8 trainer.eval_size=16 trainer.batch_size=8 tracker=none"
TINY += " engine=reference"


@pytest.fixture
def results(tmp_path):
    place = tmp_path / "r"
    place.mkdir()
    with (ROOT / "results/reference/records.jsonl").open() as records:
        (place / "records.jsonl").write_text(next(records))
    return place


def shell(line, cwd, **variables):
    """Run a line of sh in which `$RNN` stands for `python -m rnnbench`."""
    own = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RNN": f"{sys.executable} -m rnnbench",
        **variables,
    }
    own = {key: value for key, value in own.items() if value is not None}
    return subprocess.run(["sh", "-c", line], cwd=cwd, env=own, capture_output=True)


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("$RNN.status r >&-", 0, b""),
        ("$RNN.status r <&- >&- 2>&-", 0, b""),
        ("$RNN.status none >&- 2>&-", 2, b""),
        pytest.param(
            "$RNN.publish r p >/dev/full",
            *(1, b"standard output: No space left on device"),
            marks=pytest.mark.long,
        ),
        ("$RNN.status none 2>/dev/full", 2, b""),
        ("$RNN.verify --help >/dev/full", 1, b"standard output: No space left on device"),
        ("$RNN.status r | true", 0, b""),
    ],
)
def test_streams_that_are_closed_or_full_end_nothing(results, tmp_path, line, code, error):
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    done = shell(line, tmp_path)
    assert done.returncode == code, done.stderr
    assert error in done.stderr and done.stderr.count(b"\n") == bool(error)


def test_a_stream_that_was_closed_takes_no_file_s_place(tmp_path):
    code = "from rnnbench.console import open_streams; import os; open_streams(); "
    code += "file = open('kept', 'w'); os.write(1, b'lost'); os.write(2, b'lost')"
    shell(f'{sys.executable} -c "{code}" >&- 2>&-', tmp_path)
    assert (tmp_path / "kept").read_bytes() == b""


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        (b"\xff", {}),
        pytest.param(b"\xff", {"LC_ALL": "C"}, marks=pytest.mark.long),
        pytest.param(b"\xc3\xa9", {"PYTHONIOENCODING": "ascii"}, marks=pytest.mark.long),
    ],
)
def test_names_that_a_stream_cannot_show_are_escaped(results, tmp_path, name, variables):
    os.rename(results, os.fsencode(tmp_path) + b"/" + name)
    line = b"$RNN.publish " + name + b" out" + name
    done = shell(os.fsdecode(line), tmp_path, **variables)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"1 run: out")


@pytest.mark.long
def test_a_sweep_trains_to_its_end_on_full_streams(tmp_path):
    done = shell(f"$RNN {TINY} output_dir=o >/dev/full 2>/dev/full", tmp_path)
    assert done.returncode == 1
    assert len(list((tmp_path / "o/runs").glob("*.json"))) == 1
    assert (tmp_path / "o/report/index.html").exists()


@pytest.mark.long
def test_a_report_lies_in_a_directory_whose_name_is_no_utf_8(results, tmp_path):
    place = os.fsencode(tmp_path) + b"/\xff"
    os.rename(results, place)
    done = shell("$RNN.report \udcff", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.path.exists(place + b"/report/index.html")


NOBODY = """
import pwd, sys
def absent(*of): raise KeyError("uid not found")
pwd.getpwuid = pwd.getpwnam = absent
from rnnbench.cli import script
if __name__ == "__main__":  # workers import this, and are nobody's as well
    script()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "home", [None, *(pytest.param(at, marks=pytest.mark.long) for at in ("/no/home", "/dev/null"))]
)
def test_a_user_without_a_name_and_a_home_trains_and_draws(tmp_path, home):
    (tmp_path / "nobody.py").write_text(NOBODY)
    own = dict.fromkeys(("USER", "LOGNAME", "RNNBENCH_CACHE", "XDG_CACHE_HOME"))
    line = f"{sys.executable} nobody.py {TINY} output_dir=o"
    done = shell(line, tmp_path, HOME=home, MPLCONFIGDIR=str(tmp_path), **own)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o/report/index.html").exists()


@pytest.mark.long
def test_a_directory_that_was_removed_is_told_and_leads_nowhere(tmp_path):
    into = f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir {tmp_path}/gone"
    done = shell(f"{into} && $RNN.status {tmp_path}/nothing", tmp_path)
    assert done.returncode == 2
    first, second = done.stderr.decode().splitlines()
    assert "the working directory has been removed" in first
    assert "no results" in second or "No such file" in second
    done = shell(f"{into} && $RNN.publish {tmp_path}/gone other", tmp_path)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)
    done = shell(f"{into} && $RNN.check no.Cell", tmp_path)  # it imports torch at its very start
    assert b"cell must name a class that can be imported" in done.stderr


def test_windows_is_told_of_wsl(tmp_path):
    code = "import sys; sys.platform = 'win32'; from rnnbench.cli import script; script()"
    done = shell(f'{sys.executable} -c "{code}"', tmp_path)
    assert done.returncode == 2
    line = "rnnbench: error: the system must be Linux or macOS, got Windows: run it in WSL\n"
    assert done.stderr.decode() == line


def test_mps_is_refused_in_one_line(tmp_path):
    done = shell(f"$RNN {TINY} device=mps", tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line == "rnnbench: error: device must be 'auto', 'cpu' or 'cuda', got 'mps'"


ELSEWHERE = """
import io, os, pathlib, sys, ctypes
for name in [name for name in dir(os) if name.startswith("sched_")]:
    delattr(os, name)
def guarded(function):
    def call(path, *more, **options):
        if not isinstance(path, int) and os.fspath(path).startswith(("/proc", "/sys")):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return function(path, *more, **options)
    return call
io.open, os.readlink, os.stat, os.open = map(guarded, (io.open, os.readlink, os.stat, os.open))
import builtins
builtins.open = io.open
class Library(ctypes.CDLL):
    def __getattr__(self, name):
        if name in ("mallopt", "prctl"):
            raise AttributeError(name)
        return super().__getattr__(name)
ctypes.CDLL = Library
from rnnbench import run
from rnnbench.report import write_report
small = {"trainer.steps": 20, "trainer.eval_every": 10, "trainer.eval_size": 16}
small |= {"trainer.batch_size": 8, "model.hidden_size": 8, "engine": "compiled", "output_dir": "o"}
assert len(run(task="recall", cell="gru", gap=3, seeds=1, **small)) == 1
print(write_report([pathlib.Path("o")]))
from rnnbench.training.machine import cores
assert cores() == os.cpu_count()
"""


@pytest.mark.long
def test_no_call_that_only_linux_has_is_needed(tmp_path):
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    done = shell(f"{sys.executable} elsewhere.py", tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert b"o/report" in done.stdout
