"""Cells that are checked, by their classes."""

import pytest

from rnnbench.check import Subject
from rnnbench.check.run import run_checks


@pytest.fixture
def outcomes():
    """Return the outcome of every check on a class, by name."""

    def check(kind, arguments=None, hidden_size=32):
        subject = Subject(kind, arguments or {}, hidden_size)
        return {outcome.check: outcome for outcome in run_checks(subject)}

    return check
