"""The house: its rooms, and who may import whom."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*(ROOT / "rnnbench").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")])
# The rooms, ground first: a file imports from its own room and from lower floors alone.
FLOORS = (
    "console task cell statistics",
    "store cells layers",
    "experiment engine",
    "model tracker",
    "training",
    "diagnose check",
    "bench plot",
    "report",
    "launcher",
    "status publish sync dashboard train",
    "cli transfer guess verify",
    "__main__",
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms.split()}
# The package itself has nothing but its version, and names that are imported when asked for.
PACKAGE = "rnnbench"


def modules(root=ROOT):
    """Return the file of each module of the package, by its dotted name."""
    found = {}
    for path in (root / PACKAGE).rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path) -> set[str]:
    """Return the dotted names of all that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def arrows(found: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Yield each pair of a module and one that it imports."""
    for name, path in found.items():
        if name == PACKAGE:
            continue
        for other in (imported(path) & found.keys()) - {name, PACKAGE}:
            if not name.startswith(f"{other}."):  # a package that comes with its own module
                yield name, other


def room(name: str) -> str:
    return name.split(".")[1]


def upward(found: dict[str, Path]) -> list[str]:
    """Return the arrows that lead to another room, and to no lower floor."""
    return sorted(
        f"{name} -> {other}"
        for name, other in arrows(found)
        if room(name) != room(other) and FLOOR_OF[room(name)] <= FLOOR_OF[room(other)]
    )


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


def test_every_file_belongs_to_a_room():
    assert {room(name) for name in modules() if name != PACKAGE} == set(FLOOR_OF)
    assert len(FILES) > 100


def test_every_import_goes_down():
    assert upward(modules()) == []


def test_the_documentation_shows_the_same_rooms():
    """README has a line for each floor, CONTRIBUTING one sentence, both from the ground up."""
    readme = (ROOT / "README.md").read_text().partition("from the ground up")[2]
    lines = readme.splitlines()[1 : len(FLOORS) + 1]
    shown = [line.partition(":")[0].replace(",", "").strip() for line in lines]
    assert shown == list(FLOORS)
    contributing = " ".join((ROOT / "CONTRIBUTING.md").read_text().split())
    chain = " < ".join(", ".join(rooms.split()) for rooms in FLOORS)
    assert chain in contributing.replace("`", "")


def test_no_file_imports_itself_round_a_circle():
    graph: dict[str, set[str]] = {}
    for name, other in arrows(modules()):
        graph.setdefault(name, set()).add(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


@pytest.mark.parametrize("line", ["import rnnbench.cli.command", "from rnnbench import launcher"])
def test_an_upward_import_is_found(tmp_path, line):
    planted = tmp_path / "rules.py"
    planted.write_text(f"def later():\n    {line}\n")
    found = upward(modules() | {"rnnbench.store.rules": planted})
    assert len(found) == 1
    assert found[0].startswith("rnnbench.store.rules -> rnnbench.")


@pytest.mark.parametrize("package", ["hydra", "omegaconf"])
def test_only_the_command_line_knows_hydra(package):
    found = importing(package)
    assert found
    assert all(path.startswith("rnnbench/cli/") for path in found), found


def test_only_the_backends_know_what_schedules():
    found = importing("ray")
    assert found
    assert all(path.startswith("rnnbench/launcher/backends/") for path in found), found


def test_the_suite_never_imports_a_task():
    assert (
        importing("rnnbench.tasks", [p for p in FILES if "rnnbench" in p.relative_to(ROOT).parts])
        == []
    )


def test_a_task_knows_only_the_task_base():
    for path in (ROOT / "tasks").glob("*.py"):
        own = {name for name in imported(path) if name.startswith("rnnbench")}
        assert all(name.startswith("rnnbench.task") for name in own), path


def test_a_cell_knows_only_the_cell_base():
    for path in (ROOT / "rnnbench" / "cells").glob("[a-z]*.py"):
        own = {name for name in imported(path) if name.startswith("rnnbench")}
        assert all(name.startswith("rnnbench.cell") for name in own), path


def test_training_knows_no_task_and_no_cell_by_name():
    for path in [*(ROOT / "rnnbench" / "training").glob("*.py"), ROOT / "rnnbench" / "model.py"]:
        assert not any(
            name.startswith(("rnnbench.cells", "rnnbench.tasks")) for name in imported(path)
        )


def test_the_report_knows_results_and_statistics_alone():
    own = {other for name, other in arrows(modules()) if room(name) == "report"}
    rooms = {room(other) for other in own} - {"report"}
    assert rooms == {"console", "store", "statistics", "diagnose", "plot"}
    labels = {"rnnbench.diagnose", "rnnbench.diagnose.label"}
    assert {other for other in own if room(other) == "diagnose"} <= labels


def test_the_report_draws_without_torch():
    statement = (
        "import rnnbench.report.write, rnnbench.plot.reach, rnnbench.plot.gap, rnnbench.diagnose"
    )
    assert loads(statement, "torch", "hydra", "wandb") == []


def test_importing_the_package_alone_pulls_in_nothing_heavy():
    assert loads("import rnnbench", "torch", "pandas", "hydra", "wandb", "pydantic") == []


def test_cells_engines_and_tasks_need_only_torch():
    modules = "rnnbench.cells, rnnbench.engine, rnnbench.task, rnnbench.check.__main__"
    modules += ", rnnbench.training.trainer, rnnbench.training.machine"
    heavy = ("hydra", "omegaconf", "wandb", "pandas", "pydantic", "rich", "safetensors")
    assert loads(f"import {modules}", *heavy, "matplotlib", "seaborn", "scipy") == []


def test_public_names():
    import rnnbench

    loads = "diagnosis guesses history model results transfer"
    expected = ["Batch", "Cell", "Task", "diagnose", *(f"load_{name}" for name in loads.split())]
    assert sorted(rnnbench.__all__) == [*expected, "plot", "run"]
    for name in rnnbench.__all__:
        assert getattr(rnnbench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rnnbench.nothing  # noqa: B018
