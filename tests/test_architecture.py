"""Arrows point one way: who may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*(ROOT / "rnnbench").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")])


def imported(path):
    """Return the dotted names of all modules that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def importing(package, files=FILES):
    def hit(name):
        return name == package or name.startswith(f"{package}.")

    return [p.relative_to(ROOT).as_posix() for p in files if any(map(hit, imported(p)))]


def loads(statement, *forbidden):
    """Run a statement in a fresh process; return which of the packages it pulled in."""
    code = f"import sys; {statement}; print(*[m for m in {forbidden!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_there_is_something_to_look_at():
    assert importing("torch")
    assert len(FILES) > 30


@pytest.mark.parametrize("package", ["hydra", "omegaconf"])
def test_only_the_command_line_knows_hydra(package):
    found = importing(package)
    assert found
    assert all(path.startswith("rnnbench/cli/") for path in found), found


@pytest.mark.parametrize("package", ["ray", "submitit"])
def test_only_the_cluster_package_knows_what_schedules(package):
    found = importing(package)
    assert found
    assert all(path.startswith("rnnbench/cluster/") for path in found), found


def test_the_suite_never_imports_a_task():
    assert importing("tasks", [p for p in FILES if "rnnbench" in p.relative_to(ROOT).parts]) == []


def test_a_task_knows_only_the_task_base():
    for path in (ROOT / "tasks").glob("*.py"):
        own = {name for name in imported(path) if name.startswith("rnnbench")}
        assert all(name.startswith("rnnbench.task") for name in own), path


def test_a_cell_knows_only_the_cell_base_and_initialisation():
    for path in (ROOT / "rnnbench" / "cells").glob("[a-z]*.py"):
        own = {name for name in imported(path) if name.startswith("rnnbench")}
        assert all(n.startswith(("rnnbench.cell", "rnnbench.initialization")) for n in own), path


@pytest.mark.parametrize(
    "file",
    [
        "trainer",
        "training_plan",
        "outcome",
        "optimizer",
        "data",
        "training_set",
        "model",
        "streams",
    ],
)
def test_training_knows_no_task_and_no_cell_by_name(file):
    own = imported(ROOT / "rnnbench" / f"{file}.py")
    assert not any(name.startswith(("rnnbench.cells", "tasks")) for name in own)


def test_the_report_draws_without_torch():
    statement = "import rnnbench.report, rnnbench.statistics, rnnbench.results, rnnbench.diagnose"
    assert loads(statement, "torch", "hydra", "wandb") == []


def test_importing_the_package_alone_pulls_in_nothing_heavy():
    assert loads("import rnnbench", "torch", "pandas", "hydra", "wandb", "pydantic") == []


def test_cells_engines_and_tasks_need_only_torch():
    modules = "rnnbench.cells, rnnbench.engine, rnnbench.task, rnnbench.trainer, rnnbench.machine"
    modules += ", rnnbench.check.__main__"
    heavy = ("hydra", "omegaconf", "wandb", "pandas", "pydantic", "rich", "safetensors")
    assert loads(f"import {modules}", *heavy, "matplotlib", "seaborn", "scipy") == []


def test_public_names():
    import rnnbench

    for name in rnnbench.__all__:
        assert getattr(rnnbench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rnnbench.nothing  # noqa: B018
