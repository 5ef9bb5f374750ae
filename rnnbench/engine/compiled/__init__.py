"""Kernels generated from a cell's own definition: trace, emit C++, build, run."""

from rnnbench.engine.compiled.run import run_compiled

__all__ = ["run_compiled"]
