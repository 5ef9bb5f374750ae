"""A process is set up for speed, in ways that numbers can show."""

import subprocess
import sys

import pytest
import torch

CODE = """
import torch
from rnnbench.training.machine import prepare_process
before = float(torch.tensor(1e-20) * 1e-20)
prepare_process()
print(before > 0, float(torch.tensor(1e-20) * 1e-20), torch.get_num_threads())
"""


def test_a_vanishing_gradient_is_taken_for_0_and_one_thread_reckons():
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no mode in which subnormal numbers are 0")
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0.0", "1"]


def test_training_in_a_notebook_leaves_its_arithmetic_as_torch_s(in_tmp):
    import rnnbench

    settings = {"trainer.steps": 2, "model.hidden_size": 8, "trainer.eval_size": 16}
    rnnbench.run(task="recall", gap=4, seeds=1, **settings)
    assert float(torch.tensor(1e-20) * 1e-20) > 0
