"""Engines that are wrong, each in a way of its own, and one that is right."""

import os
import signal
import time

import torch

from rnnbench.engine.reference import run_reference


class Bent(torch.autograd.Function):
    """Right forward, a thousandth off backward."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 1.001


def unwritten(outputs):
    return outputs + outputs.new_empty(outputs.shape) * 0


def unsteady(outputs):
    return outputs * (1 + 1e-7 * torch.randint(0, 3, (), dtype=outputs.dtype))


def fail(outputs):
    raise RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with ...")


def too_large(outputs):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")


def hang(outputs):
    time.sleep(600)


def crash(outputs):
    os.kill(os.getpid(), signal.SIGSEGV)


CHANGES = {
    "gradient": Bent.apply,
    "outputs": lambda outputs: outputs.flip(2),
    "evaluation": lambda outputs: outputs if outputs.requires_grad else outputs * 1.001,
    "nan": lambda outputs: outputs * torch.nan,
    "unwritten": unwritten,
    "fails": fail,
    "unsteady": unsteady,
    "by stack": lambda outputs: outputs * (1 + 1e-7 * len(outputs)),
    "too large": too_large,
    "hangs": hang,
    "crashes": crash,
    "good": lambda outputs: outputs,
}


def changed(change):
    """Return the reference engine with its outputs changed."""

    def run(cell, parameters, inputs, states, last):
        outputs, finals = run_reference(cell, parameters, inputs, states, last)
        return change(outputs), finals

    return run
