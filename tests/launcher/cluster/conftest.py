"""What the same sweeps give on this machine."""

import pytest

from .command import ONE, TWELVE, finish, results, start


@pytest.fixture(scope="session")
def local_twelve(tmp_path_factory):
    return _trained(tmp_path_factory.mktemp("twelve"), *TWELVE, "trainer.steps=300")


@pytest.fixture(scope="session")
def local_one(tmp_path_factory):
    return _trained(tmp_path_factory.mktemp("one"), *ONE)


def _trained(directory, *words):
    finish(start(directory, *words))
    found = results(directory)
    assert found
    return found
