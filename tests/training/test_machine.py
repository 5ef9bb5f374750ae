"""A process is set up for speed, in ways that numbers can show."""

import subprocess
import sys

import pytest
import torch

from rnnbench.training.machine import visible_gpus

CODE = """
import torch
from rnnbench.training.machine import prepare_process
before = float(torch.tensor(1e-20) * 1e-20)
prepare_process()
print(before > 0, float(torch.tensor(1e-20) * 1e-20), torch.get_num_threads())
"""
TF32 = """
import torch
from rnnbench.training.machine import prepare_process
torch.set_float32_matmul_precision("high")
torch.backends.cudnn.allow_tf32 = True
prepare_process()
print(torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
print(torch.get_float32_matmul_precision())
"""


def test_a_vanishing_gradient_is_taken_for_0_and_one_thread_reckons():
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no mode in which subnormal numbers are 0")
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0.0", "1"]


def test_no_product_on_a_gpu_is_rounded_to_tf32():
    """Whatever torch's own default, or the program's: cuDNN's is to round."""
    done = subprocess.run([sys.executable, "-c", TF32], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "highest"]


@pytest.mark.parametrize(
    ("named", "found"), [(None, ["0", "1", "2"]), ("3,7,5", ["3", "7", "5"]), ("GPU-1,2", None)]
)
def test_gpus_have_the_names_under_which_a_process_sees_them(named, found, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3 if found else 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == (found or named.split(","))


def test_training_in_a_notebook_leaves_its_arithmetic_as_torch_s(in_tmp):
    import rnnbench

    settings = {"trainer.steps": 2, "model.hidden_size": 8, "trainer.eval_size": 16}
    rnnbench.run(task="recall", gap=4, seeds=1, **settings)
    assert float(torch.tensor(1e-20) * 1e-20) > 0
