"""Kernels generated from a cell's own definition: trace, emit C++, build, run."""

from rnnbench.engine.compiled.kernel import kernel_of, run_compiled

__all__ = ["kernel_of", "run_compiled"]
