"""Cells and tasks of installed packages are known by their names, and loaded when chosen."""

import subprocess
import sys

import pytest

import rnnbench

MODULE = """
import sys
import torch
from rnnbench import Cell
from rnnbench.tasks.delayed_recall import DelayedRecall

print("imported", file=sys.stderr)


class Leaky(Cell):
    \"\"\"A cell of another package.\"\"\"

    gates = {"a": "xh"}

    def __init__(self, *, leak: float = 0.5, init: str = "torch") -> None:
        super().__init__(init=init)
        self.leak = leak

    def update(self, a, h):
        return self.leak * h + (1 - self.leak) * torch.tanh(a)


class Unset(Leaky):
    def __init__(self):
        self.leak = 0.5


class Easy(DelayedRecall):
    def __init__(self, gap: int = 3) -> None:
        super().__init__(gap=gap, alphabet_size=2)
"""
POINTS = """
[rnnbench.cells]
leaky = leaky_cells:Leaky
broken = nowhere_to_be_found:Cell
gru = leaky_cells:Leaky

[rnnbench.tasks]
easy = leaky_cells:Easy
"""
SMALL = "seeds=2 model.hidden_size=4 trainer.steps=6 trainer.eval_every=3 trainer.eval_size=8 "
SMALL += "trainer.batch_size=4 tracker=none workers=1 engine=reference name=own"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run a command where a package with entry points is installed."""
    installed, working = tmp_path / "installed", tmp_path / "working"
    about = installed / "leaky_cells-1.0.dist-info"
    about.mkdir(parents=True)
    working.mkdir()
    (installed / "leaky_cells.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky-cells\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.setenv("PYTHONPATH", str(installed))

    def run(words):
        words = [sys.executable, "-m", "rnnbench", *words.split()]
        return subprocess.run(words, cwd=working, capture_output=True, text=True)

    return run


@pytest.mark.long
def test_a_package_s_cell_and_task_are_trained_by_their_names(command, tmp_path):
    done = command(f"cell=leaky,gru task=easy cell.init=orthogonal {SMALL}")
    assert done.returncode == 0, done.stderr
    done = command(f"cell=leaky cell.leak=0.25 task=easy task.gap=4 {SMALL} dry_run=true")
    assert done.returncode == 0 and "easy gap 4 leaky" in done.stdout, done.stderr
    runs = rnnbench.load_results(tmp_path / "working" / "results" / "own")
    assert runs.groupby(["task", "cell", "gap"]).size().to_dict() == {
        ("easy", "gru", 3): 2,
        ("easy", "leaky", 3): 2,
    }


def test_names_are_listed_without_an_import(command):
    done = command("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "cell: broken, leaky" in done.stdout and "task: easy" in done.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("cell=broken", "cell=broken, of nowhere_to_be_found:Cell cannot be imported: Mod"),
        ("cell=leaky cell.leaf=1", "cell.leaf"),
        ("cell=leakey", "leaky"),
    ],
)
def test_what_is_wrong_with_a_name_is_one_line(command, words, line):
    done = command(words)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("rnnbench: error: ")
    assert line in done.stderr and "Traceback" not in done.stderr


def test_the_caller_s_own_hydra_sees_nothing_of_them(tmp_path):
    from hydra.core.config_store import ConfigStore

    from rnnbench.cli.own_choices import OFFERS, offering

    before = {group: dict(ConfigStore.instance().repo.get(group, {})) for group in OFFERS}
    with offering():
        pass
    assert {g: dict(ConfigStore.instance().repo.get(g, {})) for g in OFFERS} == before


@pytest.mark.parametrize("group", ["cell", "task", "sweep"])
def test_a_file_of_one_s_own_by_a_shipped_name_is_refused(command, tmp_path, group):
    name = {"cell": "lstm", "task": "copy", "sweep": "gaps"}[group]
    own = tmp_path / "working" / "myconf" / group
    own.mkdir(parents=True)
    (own / f"{name}.yaml").write_text("name: mine\n")
    done = command("--config-dir myconf task=copy")
    assert done.returncode == 2
    assert f"myconf/{group}/{name}.yaml must have another name: one is shipped" in done.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("_target_: leaky_cells.Leaky\n", "cell.name must be given, got none"),
        ("_target_: leaky_cells.Unset\nname: mine\n", "Unset.__init__ must call super().__init__"),
    ],
    ids=["no name", "no call of super"],
)
def test_what_a_file_of_one_s_own_lacks_is_one_line(command, tmp_path, text, line):
    own = tmp_path / "working" / "myconf" / "cell"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(text)
    done = command("--config-dir myconf cell=mine task=copy tracker=none")
    assert (done.returncode, done.stdout) == (2, "") and line in done.stderr
    assert "Traceback" not in done.stderr


OWN = """
from rnnbench import Cell

class Own(Cell):
    gates = {"a": "xh"}

    def __init__(self, *, size: int = 1) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")

    def update(self, a, h):
        return a.tanh()

class Any(Own):
    def __init__(self, **options) -> None:
        super().__init__(**options)
"""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: [", "a yaml file cannot be read"),
        ("name: \udcff\n", "a yaml file cannot be read"),
        ("_target_: syntax.Broken\nname: mine\n", "cell must name a class that can be imported"),
        ("name: mine\n", "cell._target_ must be a name, got None"),
        ("_target_: raising.Broken\nname: mine\n", "cell must name a class that can be imported"),
        (
            "_target_: own.Own\nname: mine\nspeed: 3\n",
            "cell.speed is not an option of mine (choose from size)",
        ),
        (
            "_target_: own.Own\nname: mine\nsize: big\n",
            "cell.size must be a valid integer, got 'big'",
        ),
        ("_target_: own.Any\nname: any\n", "Any.__init__ must name its arguments, got **options"),
        ("_target_: own.Own\nname: mine\nsize: 0\n", "cell.size must be at least 1, got 0"),
    ],
)
def test_an_own_yaml_is_checked_like_a_shipped_one(refuse, in_tmp, content, message):
    (in_tmp / "conf" / "cell").mkdir(parents=True)
    content = content.encode(errors="surrogateescape")
    (in_tmp / "conf" / "cell" / "mine.yaml").write_bytes(content)
    (in_tmp / "syntax.py").write_text("def\n")
    (in_tmp / "raising.py").write_text("raise ImportError('a library is missing')\n")
    (in_tmp / "own.py").write_text(OWN)
    assert message in refuse("--config-dir", "conf", "cell=mine")
