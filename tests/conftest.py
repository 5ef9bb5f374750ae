"""One thread per process, as in every worker, and no word to W&B."""

import os

os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "WANDB_MODE": "offline"})
os.environ.pop("WANDB_API_KEY", None)

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    """Run a test in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
