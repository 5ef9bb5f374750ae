"""Cells that fail in training, as a user's file beside the command; each notes its attempts."""

BROKEN = """
import os
import time
from rnnbench.cells import RNN


class Broken(RNN):
    def update(self, a, h):
        if h.requires_grad or a.requires_grad:
            self.fail()
        return super().update(a, h)

    def fail(self):
        open("attempts", "a").write("one\\n")
        raise RuntimeError("no such luck")


class Hanging(Broken):
    def fail(self):
        open("attempts", "a").write("one\\n")
        while True:
            time.sleep(1)


class Deadly(Broken):
    def fail(self):
        open("attempts", "a").write("one\\n")
        os._exit(1)
"""
