"""Commands, composed in this process and never launched."""

import pytest

from rnnbench.cli.command import run_command
from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps


@pytest.fixture
def sweeps_of(in_tmp):
    """Return the checked sweeps of a command."""
    return lambda *words: make_sweeps(compose(words))


@pytest.fixture
def refuse(in_tmp, capsys):
    """Run a bad command; return its one line, after checking that nothing else happened."""

    def run(*words):
        before = sorted(in_tmp.rglob("*"))
        code = run_command(words)
        out, err = capsys.readouterr()
        assert (code, out) == (2, "")
        (line,) = err.splitlines()
        assert sorted(in_tmp.rglob("*")) == before
        prefix = "rnnbench: error: "
        assert line.startswith(prefix)
        return line.removeprefix(prefix)

    return run
