"""Cells that fail in training, as a user's file beside the command; each notes its attempts.

An attempt draws the one replica's start once; `update` is also called to tell what code it is.
"""

BROKEN = """
import os
import time
from rnnbench.cells import RNN


class Broken(RNN):
    def initialize(self, parameters, generator, *, gap):
        open("attempts", "a").write("one\\n")
        super().initialize(parameters, generator, gap=gap)

    def update(self, a, h):
        if h.requires_grad or a.requires_grad:
            self.fail()
        return super().update(a, h)

    def fail(self):
        raise RuntimeError("no such luck")


class Hanging(Broken):
    def fail(self):
        while True:
            time.sleep(1)


class Deadly(Broken):
    def fail(self):
        os._exit(1)
"""
