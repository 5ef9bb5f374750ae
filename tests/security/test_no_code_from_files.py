"""Nothing in the package can make code of what a file holds, but in the places stated here."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from safetensors import SafetensorError

import rnnbench
from rnnbench.store.records import Store
from rnnbench.training.weights import load_model
from tests.small_sweep import ONE
from tests.stored_record import stored_record

ROOT = Path(rnnbench.__file__).parent.parent
FILES = sorted([*(ROOT / "rnnbench").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")])
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "jsonpickle"}
MODULES |= {"importlib.import_module", "runpy", "imp", "code", "codeop", "subprocess", "ctypes"}
CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
METHODS = {"torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "np.load", "numpy.load"}
METHODS |= {"os.system", "os.popen", "hydra.utils.instantiate", "importlib.import_module"}
METHODS |= {"pd.read_pickle", "pandas.read_pickle", "pd.eval", "np.fromfile"}

ALLOWED = {
    "rnnbench/__init__.py": {"importlib.import_module"},  # of the names in its own table
    # Of a class, by a path that was checked where it came from a file.
    "rnnbench/plot/__init__.py": {"importlib.import_module"},  # likewise
    "rnnbench/experiment/class_path.py": {"importlib.import_module"},
    "rnnbench/cells/torch_module.py": {"importlib.import_module"},  # likewise
    "rnnbench/cli/command.py": {"importlib.import_module"},  # the suite's own commands
    "rnnbench/training/current.py": {"compile"},  # of a module that was imported; only compared
    "rnnbench/launcher/backends/slurm.py": {"subprocess"},  # commands of SLURM
    # sbatch; jobs for a task and its ends, in a directory that is new for every submission.
    "rnnbench/launcher/backends/submission.py": {"pickle", "subprocess"},
    "rnnbench/engine/compiled/build.py": {"subprocess", "ctypes"},  # compiler, and what it built
    "rnnbench/engine/compiled/kernel.py": {"ctypes"},  # arguments of the built kernel
    # Jobs for a worker, over a pipe of this program, and the worker's end of it.
    "rnnbench/launcher/backends/pool.py": {"pickle"},
    "rnnbench/launcher/backends/process.py": {"pickle"},
    # Git, for the commit; malloc's settings.
    "rnnbench/training/machine.py": {"subprocess", "ctypes"},
    # The same, to time a product; a module of torch's, by its name.
    "rnnbench/bench/process.py": {"ctypes", "importlib.import_module"},
    "rnnbench/bench/measure.py": {"subprocess"},  # workers of the bench
    "rnnbench/bench/verification.py": {"subprocess"},  # likewise
    # Of a kernel's text, which is made of a cell that was imported.
    "rnnbench/engine/triton/kernel.py": {"compile", "exec"},
}


def dotted(node):
    """Return a name with dots from an expression, or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def dangers(text):
    """Yield what a module's text uses that could make code of data."""
    for node in ast.walk(ast.parse(text)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from MODULES.intersection(names)
        if isinstance(node, ast.Attribute):
            yield from METHODS.intersection([dotted(node)])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from CALLS.intersection([node.func.id])


def test_the_places_are_those_that_are_stated():
    found = defaultdict(set)
    for path in FILES:
        for danger in dangers(path.read_text(encoding="utf-8")):
            found[path.relative_to(ROOT).as_posix()].add(danger)
    assert dict(found) == ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('x', weights_only=True)",
        "eval('1')",
        "def f():\n    exec(open('x').read())",
        "yaml.load(text)",
        "from subprocess import run",
        "from importlib import import_module",
        "os.system('x')",
    ],
)
def test_the_search_finds_what_it_looks_for(text):
    assert list(dangers(text))


@pytest.mark.parametrize("content", [b"\x80\x04N.", b"PK\x03\x04", b"", b"\xff" * 64])
def test_weights_are_safetensors_or_nothing(tmp_path, content):
    settings = {"config": ONE.settings, "versions": ONE.versions}
    Store(tmp_path).write(stored_record(**settings), content)
    with pytest.raises((SafetensorError, ValueError)):
        load_model(tmp_path, "a" * 16)
