"""A process that is somebody else's gets a worker's state for a while, and its own back."""

import os
import random
import threading

import numpy as np
import pytest
import torch

from rnnbench.training.borrow import borrow_process


def state():
    """Return what a program can see of its process."""
    with torch.device("cpu"):
        flushed = float(torch.tensor(1e-39, dtype=torch.float32) * 1.0) == 0
    return {
        "threads": torch.get_num_threads(),
        "flushed": flushed,
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "anomaly": torch.is_anomaly_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "cudnn": torch.backends.cudnn.allow_tf32,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warns": torch.is_deterministic_algorithms_warn_only_enabled(),
        "torch": torch.get_rng_state().tolist(),
        "numpy": repr(np.random.get_state()),
        "python": random.getstate(),
        "variables": dict(os.environ),
    }


def disturb():
    torch.rand(3, device="cpu")
    np.random.rand()
    random.random()
    os.environ["RNNBENCH_TEST_BORROW"] = "1"
    os.environ.pop("HOME", None)


class Others:
    """A program's own settings, unlike torch's defaults."""

    def __enter__(self):
        self.before = torch.get_num_threads()
        torch.set_num_threads(2)
        torch.set_default_dtype(torch.float64)
        torch.set_float32_matmul_precision("medium")
        torch.use_deterministic_algorithms(True, warn_only=True)
        self.modes = [
            torch.device("meta"),
            torch.autocast("cpu"),
            torch.autograd.detect_anomaly(False),
        ]
        for mode in self.modes:
            mode.__enter__()

    def __exit__(self, *error):
        for mode in reversed(self.modes):
            mode.__exit__(None, None, None)
        torch.set_num_threads(self.before)
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        torch.use_deterministic_algorithms(False)


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("fails", [False, True])
def test_the_state_is_a_worker_s_inside_and_the_caller_s_afterwards(mode, fails):
    with Others(), mode():
        before = state()
        try:
            with borrow_process():
                inside = state()
                weight = torch.ones(2, requires_grad=True)
                (weight * 2).sum().backward()
                assert weight.grad.tolist() == [2, 2]
                disturb()
                if fails:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert fails
        after = state()
    assert after == before
    assert (inside["threads"], inside["flushed"]) == (1, True)
    assert (inside["dtype"], inside["device"]) == (torch.float32, torch.device("cpu"))
    assert not (inside["autocast"] or inside["anomaly"] or inside["deterministic"])


def test_flushing_that_the_caller_wants_stays():
    torch.set_flush_denormal(True)
    try:
        with borrow_process():
            pass
        assert state()["flushed"]
    finally:
        torch.set_flush_denormal(False)


def test_in_another_thread():
    found = []

    def work():
        with torch.no_grad():
            before = state()
            with borrow_process():
                disturb()
            found.append(state() == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]
