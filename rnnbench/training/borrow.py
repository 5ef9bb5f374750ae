"""Compute in a process that is somebody else's, such as a notebook's, and leave it as it was."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from rnnbench.training.machine import prepare_process


@contextmanager
def borrow_process() -> Iterator[None]:
    """Give what runs inside the state that a worker process has; afterwards the caller's is back.

    Numbers must not depend on what a program has set before: its threads, its default device and
    type, its gradient mode. Nor may the program notice that something was trained inside it, also
    where that ended with an error.
    """
    with ExitStack() as caller:
        caller.callback(_restore_variables, dict(os.environ))
        caller.callback(random.setstate, random.getstate())
        caller.callback(np.random.set_state, np.random.get_state())
        _borrow_torch(caller)
        prepare_process()
        yield


def _borrow_torch(caller: ExitStack) -> None:
    """Give torch its defaults until `caller` ends."""
    flushes = float(torch.tensor(1e-39, dtype=torch.float32, device="cpu").mul(1.0)) == 0
    caller.callback(torch.set_flush_denormal, flushes)
    caller.callback(torch.set_num_threads, torch.get_num_threads())
    caller.callback(torch.set_default_dtype, torch.get_default_dtype())
    caller.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
    caller.callback(setattr, torch.backends.cudnn, "allow_tf32", torch.backends.cudnn.allow_tf32)
    # torch.use_deterministic_algorithms imports torch's own compiler, which takes seconds.
    caller.callback(torch.set_deterministic_debug_mode, torch.get_deterministic_debug_mode())
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")
    torch.set_deterministic_debug_mode("default")
    caller.enter_context(torch.random.fork_rng(devices=[]))  # the CPU's
    caller.enter_context(torch.inference_mode(False))
    caller.enter_context(torch.enable_grad())
    caller.enter_context(torch.autograd.set_detect_anomaly(False))
    for device in ("cpu", "cuda"):
        if torch.is_autocast_enabled(device):
            caller.enter_context(torch.autocast(device, enabled=False))
    if torch.get_default_device().type != "cpu":  # a device's context costs every operation time
        caller.enter_context(torch.device("cpu"))


def _restore_variables(variables: dict[str, str]) -> None:
    """Take back what was changed in the environment, and touch nothing else."""
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
