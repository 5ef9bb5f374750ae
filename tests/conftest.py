"""One thread per process, no word to W&B, and the machine to itself for a test that needs it."""

import fcntl
import os
import signal
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "WANDB_MODE": "offline"})
os.environ.pop("WANDB_API_KEY", None)

import pytest
import torch

from tests.own_module import OwnModules

torch.set_num_threads(1)
# In the background of a script Ctrl-C is ignored, and what is to answer it could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOM, DOOR = Path(__file__), Path(__file__).parent


@contextmanager
def locked(path, kind):
    """Hold a lock on a file or directory that all processes see."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Run a test marked `alone` while no process beside this one is at a test.

    Whoever waits to be alone holds the door, so that others cannot go on past it for ever.
    """
    kind = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    with ExitStack() as held:
        with locked(DOOR, fcntl.LOCK_EX):
            held.enter_context(locked(ROOM, kind))
        return (yield)


@pytest.fixture(autouse=True)
def process_as_it_was():
    """Keep what commands set in their own process from the tests that come after them."""
    places = list(sys.path)
    yield
    sys.path[:] = places
    torch.set_flush_denormal(False)


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    """Run a test in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def exit_code():
    """Return what runs a command's main function and gives its exit code, however it leaves."""

    def run(main, words):
        try:
            return main(words)
        except SystemExit as leaving:
            return leaving.code

    return run


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return what writes modules of one's own, beside the test's own directory."""
    place = tmp_path.with_name(f"{tmp_path.name}-own")
    place.mkdir()
    monkeypatch.syspath_prepend(place)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two edits may come within a second
    modules = OwnModules(place)
    yield modules
    modules.forget()
