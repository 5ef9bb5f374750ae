"""What the same sweeps give on this machine, and a SLURM to run them on."""

import pytest

from tests.waiting import until

from .command import ONE, SIX, end, finish, results, start
from .slurm_node import SlurmNode


@pytest.fixture(scope="session")
def local_six(tmp_path_factory):
    return _trained(tmp_path_factory.mktemp("six"), *SIX, "trainer.steps=300")


@pytest.fixture(scope="session")
def local_one(tmp_path_factory):
    return _trained(tmp_path_factory.mktemp("one"), *ONE)


def _trained(directory, *words):
    finish(start(directory, *words))
    found = results(directory)
    assert found
    return found


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    with SlurmNode(tmp_path_factory.mktemp("slurm")) as node:
        yield node


@pytest.fixture
def slurm(node, tmp_path):
    """Start a command on the node; no job of a test outlives it."""

    configuration = {"SLURM_CONF": str(node.configuration)}
    started = []

    def run(*words, directory=tmp_path, **variables):
        started.append(start(directory, "+cluster=slurm", *words, **configuration, **variables))
        return started[-1]

    yield run
    end(started)
    node.run("scancel", "--user", "root")
    until(lambda: not node.queue())
