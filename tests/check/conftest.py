"""Cells that are checked, by their classes."""

import pytest

from rnnbench.check import Subject
from rnnbench.check.run import run_checks
from rnnbench.engine.compiled import build


@pytest.fixture
def outcomes():
    """Return the outcome of every check on a class, by name."""

    def check(kind, arguments=None, hidden_size=32):
        subject = Subject(kind, arguments or {}, hidden_size)
        return {outcome.check: outcome for outcome in run_checks(subject)}

    return check


@pytest.fixture
def no_compiler(monkeypatch):
    """Have no kernel that is not built already, and no compiler."""
    for made in (build.load, build.compiler, build.cache_directory):
        made.cache_clear()
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    yield
    build.compiler.cache_clear()
