"""Run code for a GPU where there is none: devices and shapes are real, numbers are not.

Torch's `FakeTensorMode` refuses to mix devices. A recorder on top of it notes where the program
would wait for the GPU, or copy to or from it. Backward passes do not run, as autograd asks for the
device itself: `torch.autograd.grad` returns zeros of the right shapes.
"""

import subprocess
import tempfile
import traceback
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rnnbench.engine.compiled.build import compiler

aten = torch.ops.aten
WAITS = (aten._local_scalar_dense, aten.nonzero, aten.masked_select, aten.equal, aten.is_nonzero)
ROOT = Path(__file__).resolve().parents[3]
OURS = tuple(str(ROOT / room) for room in ("rnnbench", "tasks", "tests"))


def load_guard():
    """Build and load the guard; without it a fake tensor that needs a gradient ends the process."""
    home = Path(torch.__file__).parent
    with tempfile.TemporaryDirectory() as directory:
        library = Path(directory) / "guard.so"
        words = [*compiler(), "-std=c++20", "-O0", "-fPIC", "-shared", f"-I{home}/include"]
        words += [str(Path(__file__).with_name("guard.cpp")), "-o", str(library)]
        subprocess.run([*words, f"-L{home}/lib", "-lc10"], check=True)
        torch.ops.load_library(library)


class Recorder(TorchDispatchMode):
    """Count operations, and note waits and copies with the line of the suite behind each."""

    def __init__(self):
        super().__init__()
        self.found, self.operations = Counter(), 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        packet = function.overloadpacket
        if packet in WAITS and any(tensor.device.type == "cuda" for tensor in tensors):
            self.note("waits")
        if packet is aten._local_scalar_dense:
            return 0.5 if tensors[0].is_floating_point() else 1
        result = function(*args, **(kwargs or {}))
        made = [x for x in tree_leaves(result) if isinstance(x, torch.Tensor)]
        places = {tensor.device.type for tensor in (*tensors, *made)}
        if packet in (aten._to_copy, aten.copy_, aten.copy) and len(places) > 1:
            self.note("copies")
        return result

    def note(self, what):
        frames = [f for f in traceback.extract_stack() if f.filename.startswith(OURS)]
        own = [f for f in frames if f.filename != __file__][-1]
        self.found[f"{Path(own.filename).name}:{own.lineno} {what}: {own.line}"] += 1


class Serial:
    """Stand in for a pool of threads: what is fake here would be real in another thread."""

    def __init__(self, threads, initializer):
        pass

    def submit(self, function, *arguments):
        result = function(*arguments)
        return type("Done", (), {"result": lambda self: result})()


@contextmanager
def fake_cuda():
    """Make all tensors fake, and yield the recorder of what is done with them."""
    real_empty = torch.empty

    def no_gradients(outputs, leaves, *_, **__):
        return tuple(torch.zeros_like(leaf) for leaf in leaves)

    def unpinned(*sizes, pin_memory=False, **options):
        return real_empty(*sizes, **options)

    with ExitStack() as patches:
        patches.enter_context(FakeTensorMode())
        recorder = patches.enter_context(Recorder())
        patches.enter_context(patch("torch.autograd.grad", no_gradients))
        patches.enter_context(patch("torch.empty", unpinned))
        patches.enter_context(patch("rnnbench.training.data.ThreadPoolExecutor", Serial))
        yield recorder
