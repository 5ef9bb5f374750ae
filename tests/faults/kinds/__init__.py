"""The kinds of faults: a module for each cause, a function for each kind."""

from __future__ import annotations

from importlib import import_module

from tests.faults.kind import KINDS

for _module in ("signals", "disk", "damage", "clock", "rivals", "cells", "mirror"):
    import_module(f"{__name__}.{_module}")

__all__ = ["KINDS"]
