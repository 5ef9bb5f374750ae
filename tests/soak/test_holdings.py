"""A leak of any kind is seen, and noise is not taken for one."""

import gc
import mmap
import subprocess
import sys
import threading

import pytest

from .holdings import LEAST, MAX_MIB, MAX_OBJECTS, MIB, WARM_UP, growth, is_flat, take_stock


@pytest.fixture
def watch(tmp_path):
    """Return what does something as often as a soak has sweeps, and tells what has grown.

    What other modules hold is left out of every count: to go over it takes half a second.
    """
    gc.collect()
    gc.freeze()

    def run(step=lambda number: None):
        stocks = []
        for number in range(LEAST):
            step(number)
            stocks.append(take_stock(tmp_path))
        return growth(stocks)

    yield run
    gc.unfreeze()


def test_a_process_that_does_nothing_is_flat(watch):
    assert is_flat(watch())


def test_what_is_made_once_is_no_leak(watch, tmp_path):
    kept = []

    def step(number):
        if number < WARM_UP:
            kept.append(bytearray(20 * MIB))
            (tmp_path / f"{number}").touch()

    assert is_flat(watch(step))


@pytest.mark.parametrize("kind", ["memory", "objects", "files", "threads", "children", "temporary"])
def test_a_leak_is_seen(watch, tmp_path, kind):
    kept, end = [], threading.Event()

    def step(number):
        if kind == "memory":
            kept.append(mmap.mmap(-1, 4 * MIB))  # not from what other tests have freed
            kept[-1].write(b"x" * 4 * MIB)
        elif kind == "objects":
            kept.append([[] for _ in range(72)])
        elif kind == "files":
            kept.append(open(__file__))  # noqa: SIM115
        elif kind == "threads":
            threading.Thread(target=end.wait).start()
        elif kind == "children":
            kept.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        else:
            (tmp_path / f"{number}").touch()

    try:
        grown = watch(step)
    finally:
        end.set()
        for each in kept if kind == "files" else ():
            each.close()
        for each in kept if kind == "children" else ():
            each.communicate()
    assert not is_flat(grown)
    least = {"memory": MAX_MIB, "objects": MAX_OBJECTS}
    assert getattr(grown, kind) >= least.get(kind, 5)


def test_too_few_sweeps_say_nothing(tmp_path):
    with pytest.raises(ValueError, match=f"at least {LEAST} sweeps"):
        growth([take_stock(tmp_path)] * (LEAST - 1))
