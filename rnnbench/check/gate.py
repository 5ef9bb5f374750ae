"""Try an engine against the reference engine on the very device, before its numbers count.

A kernel that was never run on this kind of GPU is not taken on trust. Where one is first wanted for
a cell, a shape and a device, it runs a few time steps of that very stack, batch and hidden size: a
race shows only there. One that writes where it must not takes its process along, and one that
hangs never returns, so a trial belongs in a process with a time limit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from rnnbench.cell import Cell
from rnnbench.check.problem import (
    Problem,
    difference,
    make_problem,
    run_named,
    run_with_gradients,
)
from rnnbench.console import message_of

STEPS, RUNS = 12, 3
BOUNDS = {"float32": 1e-5, "float64": 1e-12}
TF32_BOUND = 5e-3
# How far a right engine may be from float64, in units of the reference engine's own distance.
REFERENCE_ERRORS = 4
STARTS = ("init", "keep_bias")  # arguments of a cell that make no difference to an engine
TRUSTED = ("reference", "torch")
EVALUATED = " of an evaluation"
PLANES = 16  # numbers that a run keeps for each unit, sequence and time step, about
SMALL_BLOCKS, SMALL_BLOCK = 64, 2**17  # small tensors have a pool of their own on a GPU
Numbers = dict[str, Tensor]


class Trial(NamedTuple):
    """Say what is tried: an engine, for a cell, at a shape, on a device.

    Attributes:
        dtype: float32 or float64.
        precision: strict, or tf32 where products may round their factors to TF32.
    """

    engine: str
    cell: Cell
    replicas: int
    batch: int
    hidden: int
    features: int
    device: str
    dtype: str = "float32"
    precision: str = "strict"


def is_gated(engine: str, device: str) -> bool:
    """Return whether an engine must prove itself on a device before its numbers count.

    The reference engine and torch.nn need not: they are torch's own operations.
    """
    return device == "cuda" and engine not in TRUSTED


def reason_against(trial: Trial) -> str | None:
    """Return in one line what speaks against an engine, or None if it may be used.

    The line is a predicate: "is wrong: ...", "fails: ...".

    Raises:
        torch.OutOfMemoryError: the device is too full to tell.
    """
    try:
        return next(_faults(trial), None)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a compiler, a driver or a kernel raises
        return f"fails: {type(error).__name__}: {message_of(error)[:200]}"


def _faults(trial: Trial) -> Iterator[str]:
    """Yield what is wrong with an engine, the plainest first."""
    problem, exact = _problem(trial, trial.dtype), _problem(trial, "float64")
    for last in (1, None):  # a training step reads the last outputs alone
        truth = run_with_gradients("reference", trial.cell, exact, last)
        plain = run_with_gradients("reference", trial.cell, problem, last)
        with _unwritten_is_nan():
            found = _run(trial, problem, last)
        yield from _errors(trial, found, plain, truth)
    _leave_nan(trial)
    runs = [_run(trial, problem) for _ in range(RUNS)]
    yield from _errors(trial, runs[0], plain, truth)
    for name, first in runs[0].items():
        if not all(torch.equal(first, other[name]) for other in runs[1:]):
            yield f"gives other numbers each time: {name}"
    for row in {0, trial.replicas - 1}:
        alone = _run(trial, _only(problem, row))
        for name, tensor in alone.items():
            if not torch.equal(tensor[0], runs[0][name][row]):
                yield f"gives a replica other numbers alone than in a stack: {name}"


def _run(trial: Trial, problem: Problem, last: int | None = None) -> Numbers:
    """Return what an engine computes in training and, by another kernel, in an evaluation."""
    given = (trial.engine, trial.cell, problem, last, trial.precision)
    trained = run_with_gradients(*given)
    with torch.no_grad():
        evaluated = run_named(*given)
    return trained | {f"{name}{EVALUATED}": tensor for name, tensor in evaluated.items()}


def _errors(trial: Trial, found: Numbers, plain: Numbers, truth: Numbers) -> Iterator[str]:
    """Yield which numbers are further from those in float64 than they may be."""
    least = TF32_BOUND if trial.precision == "tf32" else BOUNDS[trial.dtype]
    for name, tensor in found.items():
        right, usual = (each[name.removesuffix(EVALUATED)] for each in (truth, plain))
        error = difference(tensor.double(), right)
        bound = max(least, REFERENCE_ERRORS * difference(usual.double(), right))
        if not error <= bound:
            yield f"is wrong: {name} is {error:.0e} off, and may be {bound:.0e}"


def _problem(trial: Trial, dtype: str) -> Problem:
    return make_problem(
        trial.cell,
        hidden=trial.hidden,
        features=trial.features,
        replicas=trial.replicas,
        steps=STEPS,
        batch=trial.batch,
        dtype=getattr(torch, dtype),
        device=trial.device,
    )


def _only(problem: Problem, row: int) -> Problem:
    """Return one replica of a problem, as a stack of its own."""

    def cut(tensor: Tensor) -> Tensor:
        return tensor.detach()[row : row + 1].clone().requires_grad_()

    parameters = {name: cut(tensor) for name, tensor in problem.parameters.items()}
    return Problem(parameters, cut(problem.inputs), tuple(map(cut, problem.states)))


@contextmanager
def _unwritten_is_nan() -> Iterator[None]:
    """Let new tensors hold NaN until they are written: torch can, in its deterministic mode."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that some operation has no such mode
            yield
    finally:
        torch.set_deterministic_debug_mode(before)


def _leave_nan(trial: Trial) -> None:
    """Fill about as much memory as a run takes with NaN and free it, for the next run to find.

    That mode changes how some operations compute; and it fills tensors, not what lies around them.
    """
    size = PLANES * STEPS * trial.replicas * trial.batch * trial.hidden
    blocks = [size, *[SMALL_BLOCK] * SMALL_BLOCKS]
    filled = [torch.full((block,), torch.nan, device=trial.device) for block in blocks]
    del filled
