"""How far back can a recurrent cell remember, at what cost, and why does it stop?"""

from __future__ import annotations

import os
import sys

# `python -m rnnbench` puts the working directory first where modules are looked for. A numpy.py of
# the user's must not be taken for the library: the directory goes last, before any other import.
_module = sys.orig_argv[-len(sys.argv)].removeprefix("-m") if sys.argv[:1] == ["-m"] else ""
_is_command = _module.partition(".")[0] == __name__
if _is_command and not sys.flags.safe_path:
    sys.path.append(sys.path.pop(0))

import importlib
import time
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import rnnbench.diagnose as diagnose
    import rnnbench.plot as plot
    from rnnbench.cell import Cell
    from rnnbench.cli.notebook import run
    from rnnbench.store.diagnoses import load_diagnosis
    from rnnbench.store.frames import load_history, load_results
    from rnnbench.store.tables import load_guesses, load_transfer
    from rnnbench.task import Batch, Task
    from rnnbench.training.weights import load_model

__version__ = "0.1.0"
imported_at = time.time()

if _is_command:  # before torch is loaded
    importlib.import_module("rnnbench.console").leave_removed_directory()

# Asked before torch is loaded: with OMP_PROC_BIND its runtime binds this process to one of them.
PROCESSORS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None

_HOMES = {
    "Batch": "rnnbench.task",
    "Cell": "rnnbench.cell",
    "Task": "rnnbench.task",
    "load_diagnosis": "rnnbench.store.diagnoses",
    "load_guesses": "rnnbench.store.tables",
    "load_history": "rnnbench.store.frames",
    "load_model": "rnnbench.training.weights",
    "load_results": "rnnbench.store.frames",
    "load_transfer": "rnnbench.store.tables",
    "run": "rnnbench.cli.notebook",
}

_ROOMS = ("diagnose", "plot")  # packages: one that can be called, one of functions

__all__ = ["Batch", "Cell", "Task", "diagnose", "load_diagnosis", "load_guesses", "load_history"]
__all__ += ["load_model", "load_results", "load_transfer", "plot", "run"]

if not os.path.isdir(os.path.join(__path__[0], "tasks")):  # a checkout: they lie beside the package
    tasks = ModuleType(f"{__name__}.tasks")
    tasks.__path__ = [os.path.join(os.path.dirname(__path__[0]), "tasks")]
    sys.modules[tasks.__name__] = tasks


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: a submodule alone pulls in little."""
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
