"""What lies in the working directory is never taken for a part of the suite or of a library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import rnnbench
from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.experiment.class_path import TASKS, find_class, is_shipped, stored_path
from rnnbench.task import Task
from tests.security.test_no_code_from_files import ROOT

# Of the standard library, of what is installed, and of the suite's own packages.
NAMES = (
    "numpy torch pandas yaml hydra omegaconf wandb random socket tempfile typing copy statistics"
)
NAMES += " task cell store console tests conf docs results"
SMALL = "task=recall cell=gru task.gap=3 seeds=1 engine=reference tracker=none workers=1".split()
SMALL += "trainer.steps=2 trainer.eval_every=1 trainer.eval_size=8 model.hidden_size=4".split()
OWN = "from rnnbench.tasks.adding import Adding\n\n\nclass Mine(Adding):\n    pass\n"


def run(directory, *words, code=0):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert not (directory / "ran").exists(), (directory / "ran").read_text()
    return done.stdout + done.stderr


def crowd(directory):
    """Put files into a directory that have the names of everything; return the directory."""
    mark = "open('ran', 'a').write(__file__); raise ImportError('the wrong one')\n"
    for name in NAMES.split():
        (directory / f"{name}.py").write_text(mark)
    (directory / "conf").mkdir()
    (directory / "conf" / "config.yaml").write_text("not: ours\n")
    return directory


@pytest.fixture
def crowded(tmp_path):
    return crowd(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "option", [[], pytest.param(["-P"], marks=pytest.mark.long)], ids=["plain", "-P"]
)
def test_a_sweep_and_its_report_are_the_suites_own(crowded, option):
    (crowded / "results").mkdir()
    run(crowded, *option, "-m", "rnnbench", *SMALL, "task.gap=3,4")
    assert (crowded / "results/recall-gru/report/index.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", "check verify bench guess transfer diagnose sync status report".split()
)
def test_so_is_every_other_command(crowded, command):
    run(crowded, "-m", f"rnnbench.{command}", "--help")


@pytest.mark.long
def test_a_package_of_tasks_is_another_package(tmp_path):
    """The user's own `tasks` holds what the suite's lacks, and hides nothing of it."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").write_text("")
    for name in ("adding", "mine"):
        (tmp_path / "tasks" / f"{name}.py").write_text(OWN)
    (tmp_path / "own" / "task").mkdir(parents=True)
    mine = {"_target_": "tasks.mine.Mine", "name": "mine", "gap": 3}
    (tmp_path / "own" / "task" / "mine.yaml").write_text(yaml.safe_dump(mine))
    words = ["-m", "rnnbench", "--config-dir", "own", *SMALL, "output_dir=o"]
    run(tmp_path, *words, "task=mine,adding", "name=both")
    runs = rnnbench.load_results(tmp_path / "o")
    assert set(runs["task"]) == {"mine", "adding"}
    assert list(runs.loc[runs["task"] == "adding", "task_code"].isna()) == [True]
    assert list(runs.loc[runs["task"] == "mine", "task_code"].isna()) == [False]


@pytest.mark.parametrize(
    "option", [[], pytest.param(["-P"], marks=pytest.mark.long)], ids=["plain", "-P"]
)
def test_own_modules_lie_beside_the_configuration(tmp_path, option):
    (tmp_path / "project" / "own" / "task").mkdir(parents=True)
    (tmp_path / "project" / "mine.py").write_text(OWN)
    mine = {"_target_": "mine.Mine", "name": "mine", "gap": 3}
    (tmp_path / "project" / "own" / "task" / "mine.yaml").write_text(yaml.safe_dump(mine))
    (tmp_path / "elsewhere").mkdir()
    words = ["--config-dir", "../project/own", *SMALL, "task=mine", "dry_run=true"]
    assert "mine gap" in run(tmp_path / "elsewhere", *option, "-m", "rnnbench", *words)


@pytest.mark.long
def test_with_safe_path_the_working_directory_is_not_looked_in(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    words = ["-m", "rnnbench", *SMALL, "task=adding", "task._target_=mine.Mine", "dry_run=true"]
    run(tmp_path, *words)
    assert "No module named 'mine'" in run(tmp_path, "-P", *words, code=2)


def test_importing_the_package_changes_no_path(tmp_path):
    code = "import sys; before = list(sys.path); import rnnbench, rnnbench.cli.command\n"
    (tmp_path / "script.py").write_text(f"{code}assert sys.path == before\n")
    for words in (["script.py"], ["-m", "script"], ["-c", f"{code}assert sys.path == before"]):
        run(tmp_path, *words)


def test_every_shipped_task_has_its_stored_path():
    yamls = (ROOT / "conf" / "task").glob("*.yaml")
    targets = {yaml.safe_load(path.read_text())["_target_"] for path in yamls}
    assert targets == set(TASKS)
    for path in TASKS:
        kind = find_class(path, Task, "task")
        assert f"{kind.__module__}.{kind.__qualname__}" == f"rnnbench.{path}"
        assert stored_path(f"rnnbench.{path}") == stored_path(path) == path
        assert is_shipped(path)
    assert not is_shipped("tasks.mine.Mine")


def test_the_new_path_of_a_task_makes_no_other_condition(in_tmp):
    words = ["task=recall", "cell=gru", "tracker=none"]
    paths = [f"{package}tasks.delayed_recall.DelayedRecall" for package in ("", "rnnbench.")]
    sweeps = [make_sweeps(compose([*words, f"task._target_={path}"])) for path in paths]
    old, new = ([c.condition_id for c, _ in sweep.jobs] for (sweep,) in sweeps)
    assert old == new


def test_nothing_but_the_package_is_installed():
    text = Path(ROOT, "pyproject.toml").read_text()
    packages = text.partition("packages = [")[2].partition("]")[0].split()
    assert {name.strip('",').partition(".")[0] for name in packages} == {"rnnbench"}
