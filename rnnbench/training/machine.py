"""Set a process up for speed, choose its device, and describe the machine for the record."""

from __future__ import annotations

import ctypes
import math
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch

from rnnbench import PROCESSORS
from rnnbench.engine.compiled.build import run_program

CGROUPS = Path("/sys/fs/cgroup")
COMMIT = re.compile("[0-9a-f]{40,64}(-dirty)?")
GIT_SECONDS = 10.0
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
    keep_float32()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is not None and hasattr(libc, "mallopt") and platform.libc_ver()[0] == "glibc":
        libc.mallopt(M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def keep_float32() -> None:
    """Round no factor of a product to TF32 on a GPU, where cuDNN by default does."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


def cores() -> int:
    """Return how many processors this process and its workers may fill, at least 1.

    They are those that it may run on, but no more than its control groups (a container's, say)
    grant; a part of one counts as one.
    """
    number = len(PROCESSORS) if PROCESSORS else os.cpu_count() or 1
    return max(1, min(number, *map(math.ceil, _quotas())))


def _quotas() -> Iterator[float]:
    """Yield the processors that each control group around this process grants, where it is told."""
    yield os.cpu_count() or 1
    for line in ["0::/", "1:cpu:/", *_read(Path("/proc/self/cgroup")).splitlines()]:
        _, names, path = line.split(":", 2)
        roots = [CGROUPS / names, CGROUPS / ("cpu" if names else "unified")]
        for root in roots if not names or "cpu" in names.split(",") else []:
            place = Path(root, path.lstrip("/"))
            for group in (place, *place.parents):
                if group.is_relative_to(root):
                    yield from _quota(group)


def _quota(group: Path) -> Iterator[float]:
    """Yield what a group grants: `cpu.max` of version 2, two files of version 1."""
    old = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    for words in (_read(group / "cpu.max").split(), " ".join(old).split()):
        if len(words) == 2 and all(word.isdecimal() and int(word) for word in words):
            yield int(words[0]) / int(words[1])


def _read(path: Path) -> str:
    """Return a text of the system's; empty where there is none."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES gives."""
    number = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:number] if named else [str(index) for index in range(number)]


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
    lines = _read(Path("/proc/cpuinfo")).splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _git_commit() -> str | None:
    """Return the commit of the suite's checkout, with `-dirty` where files differ; else None.

    What the environment says of another repository (GIT_DIR) is left out, and who owns this one
    makes no difference: its code runs already.
    """
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-c", f"safe.directory={checkout}", "-c", "core.fsmonitor=false"]
    command += ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    environment = {k: value for k, value in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CEILING_DIRECTORIES": str(checkout.parent), "GIT_OPTIONAL_LOCKS": "0"}
    try:
        answer = run_program(command, GIT_SECONDS, cwd=checkout, env=environment).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer if COMMIT.fullmatch(answer) else None
