"""A user's own cell, which does as TROUBLE says: `what:n`, at the nth call of its update."""

import ctypes
import os
import resource
import signal
import sys
import time

import torch

from rnnbench import Cell

ALLOCATION, ROOM = 2**33, 2**28  # bytes asked for, and bytes to be had
MEGABYTES = 4


class Own(Cell):
    gates = {"a": "xh"}
    calls = 0

    def update(self, a, h):
        new = torch.tanh(a)
        what, _, nth = os.environ.get("TROUBLE", "").partition(":")
        if what and what != "import":
            Own.calls += 1
            if Own.calls >= int(nth) and is_first():
                return globals()[what](new)
        return new


def is_first():
    """Return whether no process has had the trouble before: one condition alone is to have it."""
    try:
        os.close(os.open(os.environ["TROUBLE_ONCE"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def raise_error(new):
    raise ValueError("the cell is\nout of order")


def raise_memory_error(new):
    raise MemoryError


def interrupt(new):
    raise KeyboardInterrupt


def exit_python(new):
    sys.exit(3)


def leave(new):
    os._exit(3)


def abort(new):
    os.kill(os.getpid(), signal.SIGABRT)


def fault(new):
    ctypes.string_at(0)


def hang(new):
    time.sleep(3600)


def talk(new):
    for stream in (sys.stdout, sys.stderr):
        stream.write("x" * 1023 * 1024 * MEGABYTES + "\n")
    return new


def take_memory(new):
    """Ask for more than there is, in a process that may have but a little more than it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, hard))
    try:
        return new + torch.zeros(ALLOCATION // 4)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def nan(new):
    """Spoil the first replica of the stack."""
    return new.index_fill(0, torch.tensor([0]), float("nan"))


def infinite(new):
    return new.index_fill(0, torch.tensor([0]), float("inf"))


def infinite_gradient(new):
    if new.requires_grad:
        factor = torch.ones(len(new)).index_fill(0, torch.tensor([0]), float("inf"))
        new.register_hook(lambda gradient: gradient * factor.view(-1, *[1] * (new.ndim - 1)))
    return new


if os.environ.get("TROUBLE", "").startswith("import"):
    raise RuntimeError("the module is out of order")
