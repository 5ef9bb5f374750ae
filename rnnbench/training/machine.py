"""Set a process up for speed, choose its device, and describe the machine for the record."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def prepare_process() -> None:
    """Use one thread, treat subnormal numbers as 0, and keep freed memory for the next step.

    Small recurrent products gain nothing from a second thread; the cores are filled with
    processes. A gradient that vanishes over a long gap falls below 1e-38, where some processors
    are a hundred times slower: an RNN's step at gap 160 took four times as long. By default glibc
    returns memory to the system after every step and asks for it again, which takes up to half of
    the step.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def choose_device(name: str, gpus: int | None = None) -> str:
    """Return cpu or cuda for a configured name; `auto` takes a GPU where there is one.

    The GPUs are those of a task on a cluster; None stands for this machine's.

    Raises:
        ValueError: cuda is asked for and there is none.
    """
    available = torch.cuda.is_available() if gpus is None else gpus > 0
    if name == "cuda" and not available and gpus == 0:
        raise ValueError("device must be auto or cpu where cluster.gpus is 0, got cuda")
    if name == "cuda" and not available:
        raise ValueError("device must be auto or cpu on a machine without CUDA, got cuda")
    if name == "auto":
        return "cuda" if available else "cpu"
    return name


@cache
def describe_machine() -> dict[str, str | int | None]:
    """Return versions and hardware, as they are stored in a record."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "git_commit": _git_commit(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _git_commit() -> str | None:
    """Return the commit of the suite's checkout, with `-dirty` where files differ; else None."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        answer = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
