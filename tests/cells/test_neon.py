"""The kernel of ARM's vectors, built by a cross compiler and run by an emulator."""

import re
import shutil
import struct
import subprocess

import numpy as np
import pytest
import torch

from rnnbench.cells import LSTM
from rnnbench.check.problem import difference, make_problem, run_with_gradients
from rnnbench.engine.compiled import build, kernel
from tests.cells.grammar import Everything, PublishedGRU
from tests.cells.test_compiled import Odd

COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
pytestmark = pytest.mark.skipif(
    not (shutil.which(COMPILER) and shutil.which(EMULATOR)),
    reason=f"needs {COMPILER} and {EMULATOR}",
)
# Runs one call: the sizes, then each array's number of bytes (0: null), come from the standard
# input and are followed by the arrays, which go back to the standard output.
PROGRAM = """
#include <cstdio>
#include <vector>
template <class T> static void call(bool forward) {
  Call<T> one;
  std::fread(&one, 8, 7, stdin);
  const int count = sizeof(one) / 8 - 7;
  std::vector<int64_t> bytes(count);
  std::vector<std::vector<char>> arrays(count);
  std::fread(bytes.data(), 8, count, stdin);
  for (int i = 0; i < count; i++) {
    arrays[i].resize(bytes[i]);
    std::fread(arrays[i].data(), 1, bytes[i], stdin);
    ((void **)((int64_t *)&one + 7))[i] = bytes[i] ? arrays[i].data() : nullptr;
  }
  forward ? run<Forward<Cell, T>>(&one) : run<Backward<Cell, T>>(&one);
  for (const auto &array : arrays)
    std::fwrite(array.data(), 1, array.size(), stdout);
}
int main(int, char **words) {
  const std::string name = words[1];
  for (const auto &[number, value] : NUMBERS)
    if (name == number)
      return std::printf("%d", value()) < 0;
  const bool forward = name[0] == 'f';
  name.substr(name.size() - 2) == "32" ? call<float>(forward) : call<double>(forward);
}
"""


class Emulated:
    """A library whose functions an emulator runs."""

    def __init__(self, text, directory):
        self._name = str(directory / "kernel")
        flags = [flag for flag in build.FLAGS if flag not in ("-shared", "-fPIC")]
        numbers = re.findall(r"^int (\w+)\(\)", text, re.MULTILINE)
        table = ", ".join(f'{{"{number}", {number}}}' for number in numbers)
        table = f"const std::pair<const char *, int (*)()> NUMBERS[] = {{{table}}};"
        command = [COMPILER, *flags, "-static", "-", "-o", self._name]
        program = "\n".join(["#include <string>", text, table, PROGRAM])
        subprocess.run(command, input=program, text=True, check=True)

    def __getattr__(self, name):
        return lambda: int(self.run(name))

    def run(self, name, given=b""):
        command = [EMULATOR, self._name, name]
        return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout


def call(self, name, sizes, arrays):
    """Run a call as Kernel.call does."""
    dtype = str(arrays["inputs"].dtype).removeprefix("torch.")
    parts = [arrays[key].numpy().tobytes() if key in arrays else b"" for key in kernel.ARRAYS]
    numbers = [*(sizes[key] for key in kernel.SIZES), *map(len, parts)]
    given = struct.pack(f"{len(numbers)}q", *numbers) + b"".join(parts)
    found = self.library.run(f"{name}_{dtype}", given)
    for key, part in zip(kernel.ARRAYS, parts, strict=True):
        if key in arrays:
            new = np.frombuffer(found[: len(part)], arrays[key].numpy().dtype).copy()
            arrays[key].copy_(torch.from_numpy(new).view(arrays[key].shape))
        found = found[len(part) :]


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    [
        Odd(),
        *(
            pytest.param(it, marks=pytest.mark.long)
            for it in (Everything(), LSTM(), PublishedGRU())
        ),
    ],
    ids=lambda cell: type(cell).__name__,
)
def test_computes_the_same_on_arm(cell, tmp_path, monkeypatch):
    monkeypatch.setattr(kernel, "load", lambda text: Emulated(text, tmp_path))
    monkeypatch.setattr(kernel.Kernel, "call", call)
    assert kernel.kernel_of(cell).library.panel_bytes() == 32
    for hidden, batch, steps in ((33, 25, 9), (5, 3, 1), (64, 32, 6)):
        sizes = {"features": 4, "hidden": hidden, "batch": batch, "steps": steps}
        expected = run_with_gradients("reference", cell, make_problem(cell, **sizes))
        for dtype, bound in ((torch.float64, 1e-12), (torch.float32, 1e-4)):
            given = make_problem(cell, **sizes, dtype=dtype)
            found = run_with_gradients("compiled", cell, given)
            for name, tensor in expected.items():
                assert difference(found[name].to(tensor.dtype), tensor) <= bound, name
