"""Only an error that goes by says that the same command continues."""

import errno
import os

import pytest

from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.launcher import launch


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ESTALE, errno.EROFS, errno.ENOTDIR])
def test_an_error_that_cannot_heal_does_not_say_that_it_does(in_tmp, capsys, number):
    def failing(assignment):
        raise OSError(number, os.strerror(number), "a/file")

    words = ["task=recall", "cell=gru", "task.gap=2", "seeds=1", "engine=reference", "tracker=none"]
    assert launch(make_sweeps(compose(words)), failing) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"rnnbench: error: a/file: {os.strerror(number)}")
    heals = number in (errno.ENOSPC, errno.ESTALE)
    assert line.endswith(": the same command continues") == heals
